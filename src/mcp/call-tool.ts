import { randomUUID } from 'node:crypto';
import type { Log } from '../core/environment.js';
import { internalError, OrchestratorError } from '../core/errors.js';
import { explainArguments } from './explain-arguments.js';
import type { Tool, ToolCall } from './tools/define-tool.js';

/** The answer to a tool call, whatever the protocol. `structuredContent` is plain JSON. */
export interface ToolAnswer {
  readonly text: string;
  readonly structuredContent?: Record<string, unknown>;
  readonly isError: boolean;
}

/**
 * Parses the arguments, runs the tool and shapes the answer. Total: whatever goes wrong becomes an answer, and what is
 * our own fault says no more than an error id; its cause goes to the log.
 */
export async function callTool(tool: Tool, args: unknown, call: ToolCall, log: Log): Promise<ToolAnswer> {
  try {
    const parsed = tool.input.safeParse(args);
    if (!parsed.success)
      return refusal(`Arguments of ${tool.name} are not valid:\n${explainArguments(parsed.error)}`);
    const answer = await tool.run(parsed.data, call);
    return {
      text: tool.describe(answer),
      structuredContent: answer,
      isError: tool.isFailure?.(answer) ?? false,
    };
  } catch (cause) {
    if (isMisuse(cause)) return refusal(cause.message);
    if (cause instanceof OrchestratorError) return refusal(`${cause.code}: ${cause.message}`);
    const error = internalError(randomUUID(), cause);
    log.error({ tool: tool.name, errorId: error.facts.errorId, err: cause }, 'tool call failed');
    return refusal(`${error.code}: ${error.message}`);
  }
}

function refusal(text: string): ToolAnswer {
  return { text, isError: true };
}

/** What the orchestrator throws when it is called wrongly, for instance for subtasks that depend on each other. */
function isMisuse(cause: unknown): cause is TypeError {
  return cause instanceof TypeError && 'code' in cause && cause.code === 'INVALID_INPUT';
}
