import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import { callTool } from './call-tool.js';
import { createProgressReporter, type ProgressUpdate } from './progress.js';
import type { ToolAnswer } from './tool-answer.js';
import type { Tool, ToolCall } from './tools/define-tool.js';

/** Where a call tells of itself. */
export interface CallFace {
  readonly log: Log;
  /** Puts one notification of progress on the wire; undefined when the caller wants none. */
  readonly sendProgress: ((update: ProgressUpdate) => Promise<void>) | undefined;
}

/** Calls a tool and shapes its answer for the wire. No progress comes after it. Never rejects. */
export async function answerToolCall(
  tool: Tool,
  args: unknown,
  call: ToolCall,
  { log, sendProgress }: CallFace,
): Promise<CallToolResult> {
  if (sendProgress === undefined) return toCallToolResult(await callTool(tool, args, call, log));
  const progress = createProgressReporter(sendProgress);
  const answer = await callTool(tool, args, { ...call, onProgress: progress.report }, log);
  await progress.close();
  return toCallToolResult(answer);
}

/** Shapes an answer for the wire. */
export function toCallToolResult({ text, structuredContent, isError, wholeUri }: ToolAnswer): CallToolResult {
  const content: CallToolResult['content'] = [{ type: 'text', text }];
  if (wholeUri !== undefined) {
    content.push({ type: 'resource_link', uri: wholeUri, name: 'result', mimeType: 'application/json' });
  }
  return structuredContent === undefined ? { content, isError } : { content, structuredContent, isError };
}
