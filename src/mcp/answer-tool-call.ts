import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { callTool, type ToolAnswer } from './call-tool.js';
import { createProgressReporter, type ProgressUpdate } from './progress.js';
import type { Tool } from './tools/define-tool.js';

/** What a call needs beside its arguments. */
export interface CallContext {
  readonly orchestrator: OrchestratorPort;
  readonly log: Log;
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  /** Puts one notification of progress on the wire; undefined when the caller wants none. */
  readonly sendProgress: ((update: ProgressUpdate) => Promise<void>) | undefined;
}

/** Calls a tool and shapes its answer for the wire. No progress comes after it. Never rejects. */
export async function answerToolCall(
  tool: Tool,
  args: unknown,
  { orchestrator, log, signal, sendProgress }: CallContext,
): Promise<CallToolResult> {
  if (sendProgress === undefined) {
    return toCallToolResult(await callTool(tool, args, { orchestrator, signal, onProgress: undefined }, log));
  }
  const progress = createProgressReporter(sendProgress);
  const answer = await callTool(tool, args, { orchestrator, signal, onProgress: progress.report }, log);
  await progress.close();
  return toCallToolResult(answer);
}

function toCallToolResult({ text, structuredContent, isError }: ToolAnswer): CallToolResult {
  const content = [{ type: 'text' as const, text }];
  return structuredContent === undefined ? { content, isError } : { content, structuredContent, isError };
}
