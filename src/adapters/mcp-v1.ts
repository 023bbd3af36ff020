import type { McpServer, RegisteredTool } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { type Log, silentLog } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { answerToolCall } from '../mcp/answer-tool-call.js';
import { presenceOf } from '../mcp/presence.js';
import { RunStore } from '../mcp/runs/run-store.js';
import { TOOLS } from '../mcp/tools/tool-table.js';

/** Options of {@link registerTools}. */
export interface McpV1Options {
  /** Default: silent. */
  readonly log?: Log;
  /**
   * The runs that `getRun` and `cancelRun` know. Default: those of this registration; an application that makes a server
   * per session or per request gives all of them one store, or a run is lost with its server.
   */
  readonly runs?: RunStore;
}

export { RunStore };

/**
 * Puts gaffr's tools on a server of `@modelcontextprotocol/sdk` version 1 that an application has already, beside its own.
 *
 * @returns The registrations by name, to disable or remove one.
 * @throws Error of the SDK when the server has a tool of the same name, or is connected already and has had no tools.
 * @example
 * const server = new McpServer({ name: 'my-app', version: '1.0.0' });
 * registerTools(server, orchestrator);
 */
export function registerTools(
  server: McpServer,
  orchestrator: OrchestratorPort,
  { log = silentLog, runs = new RunStore({ log }) }: McpV1Options = {},
): ReadonlyMap<string, RegisteredTool> {
  const registered = TOOLS.map((tool) => {
    const { name, title, description, input, output, annotations } = tool;
    const schemas = { inputSchema: input.schema, outputSchema: output.schema };
    const config = { title, description, ...schemas, annotations };
    const registration = server.registerTool(
      name,
      config,
      async (args, { signal, sendNotification, authInfo, _meta }) => {
        // A cancel may have come before the handler.
        signal.throwIfAborted();
        const progressToken = _meta?.progressToken;
        const sendProgress =
          progressToken === undefined
            ? undefined
            : (update: { readonly progress: number; readonly message?: string }) => {
                const params = { progressToken, total: 1, ...update };
                return sendNotification({ method: 'notifications/progress', params });
              };
        const presence = presenceOf(signal, () => 'cancelled');
        const call = { orchestrator, runs, principal: authInfo?.clientId ?? null, presence };
        const answer = await answerToolCall(tool, args, call, { log, sendProgress });
        // Both versions of the SDK have this type; that of version 2 says less of the structured content.
        return answer as CallToolResult;
      },
    );
    return [name, registration] as const;
  });
  return new Map(registered);
}
