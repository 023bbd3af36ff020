import type * as z from 'zod';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { createProgressReporter, type ProgressReporter } from '../mcp/progress.js';
import { type AgentToolName, type AgentToolsOptions, agentTools } from './agent-tools.js';

export type { AgentToolName, AgentToolsOptions };

/** What a tool of the Claude Agent SDK answers. */
export type ClaudeToolAnswer = {
  content: { type: 'text'; text: string }[];
  structuredContent: Record<string, unknown>;
  isError: boolean;
};

/** A tool in the shape of the Claude Agent SDK. */
export interface ClaudeAgentTool {
  name: string;
  description: string;
  inputSchema: Record<string, z.ZodType>;
  annotations: {
    readOnlyHint: boolean;
    destructiveHint: boolean;
    idempotentHint: boolean;
    openWorldHint: boolean;
  };
  handler(args: Record<string, unknown>, extra: unknown): Promise<ClaudeToolAnswer>;
}

/**
 * The orchestrator's tools for `createSdkMcpServer()` of the Claude Agent SDK. The agent calls them
 * `mcp__<name of the server>__execute` and so on. Its interrupt cancels the tasks of a call; progress goes to the client
 * that asks for it.
 *
 * @throws TypeError for an unknown name in `tools`.
 * @example options.mcpServers = { gaffr: createSdkMcpServer({ name: 'gaffr', tools: claudeAgentTools(orchestrator) }) }
 */
export function claudeAgentTools(
  orchestrator: OrchestratorPort,
  options: AgentToolsOptions = {},
): ClaudeAgentTool[] {
  return agentTools(orchestrator, options).map(({ name, description, input, annotations, call }) => ({
    name,
    description,
    inputSchema: input.shape as Record<string, z.ZodType>,
    annotations,
    async handler(args, extra) {
      const { signal, requestId, progress } = readExtra(extra);
      const answer = await call(args, { signal, callId: requestId, onProgress: progress?.report });
      await progress?.close();
      return {
        content: [{ type: 'text', text: answer.text }],
        structuredContent: { ...answer.value },
        isError: answer.isError,
      };
    },
  }));
}

interface Extra {
  readonly signal: AbortSignal | undefined;
  readonly requestId: string | undefined;
  readonly progress: ProgressReporter | undefined;
}

/** Reads what the SDK hands over, whose type is unknown there too. */
function readExtra(extra: unknown): Extra {
  const { signal, requestId, _meta, sendNotification } = (extra ?? {}) as {
    readonly signal?: unknown;
    readonly requestId?: unknown;
    readonly _meta?: { readonly progressToken?: unknown; readonly 'claudecode/toolUseId'?: unknown };
    readonly sendNotification?: unknown;
  };
  const toolUseId = _meta?.['claudecode/toolUseId'];
  const progressToken = _meta?.progressToken;
  const canTell = progressToken !== undefined && typeof sendNotification === 'function';
  return {
    signal: signal instanceof AbortSignal ? signal : undefined,
    requestId:
      typeof toolUseId === 'string' ? toolUseId : requestId === undefined ? undefined : String(requestId),
    progress: canTell
      ? createProgressReporter(async (update) => {
          const params = { progressToken, total: 1, ...update };
          await sendNotification({ method: 'notifications/progress', params });
        })
      : undefined,
  };
}
