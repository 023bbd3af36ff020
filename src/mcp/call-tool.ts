import type { Log } from '../core/environment.js';
import { explainArguments } from './explain-arguments.js';
import { explainFault, refusal, type ToolAnswer } from './tool-answer.js';
import type { Tool, ToolCall } from './tools/define-tool.js';

/**
 * Parses the arguments, runs the tool and shapes the answer. Total: whatever goes wrong becomes an answer, and what is
 * our own fault says no more than an error id; its cause goes to the log.
 */
export async function callTool(tool: Tool, args: unknown, call: ToolCall, log: Log): Promise<ToolAnswer> {
  try {
    const parsed = tool.input.safeParse(args);
    if (!parsed.success)
      return refusal(`Arguments of ${tool.name} are not valid:\n${explainArguments(parsed.error)}`);
    return await tool.answer(parsed.data, call);
  } catch (cause) {
    return explainFault(cause, tool.name, log).answer;
  }
}
