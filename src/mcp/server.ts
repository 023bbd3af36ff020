import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type McpServerFactory,
  ProtocolError,
  ProtocolErrorCode,
  type Tool as SdkTool,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { answerToolCall, type CallContext } from './answer-tool-call.js';
import { INSTRUCTIONS } from './instructions.js';
import { findTool, TOOLS, toolListings } from './tools/tool-table.js';

/** What a server needs beside the orchestrator. */
export interface McpServerOptions {
  readonly log: Log;
  /** Version that clients are told. */
  readonly version: string;
}

const CAPABILITIES = { tools: {} };
const CACHE_HINTS = { 'tools/list': { ttlMs: 60_000, cacheScope: 'private' } } as const;

/**
 * Makes the factory that the SDK calls for every connection, of either protocol era. A server holds no state of its own:
 * everything that outlives a request belongs to the orchestrator.
 *
 * The low-level `Server` is used on purpose: `McpServer` compiles every schema per instance and turns each throw into
 * text that a client sees.
 */
export function createMcpServerFactory(
  orchestrator: OrchestratorPort,
  { log, version }: McpServerOptions,
): McpServerFactory {
  return () => {
    const server = new Server(
      { name: 'gaffr', title: 'gaffr', version },
      { capabilities: CAPABILITIES, instructions: INSTRUCTIONS, cacheHints: CACHE_HINTS },
    );
    server.setRequestHandler('tools/list', () => ({ tools: [...toolListings()] as SdkTool[] }));
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const tool = findTool(params.name);
      if (tool === undefined) throw unknownTool(params.name);
      // A cancel that came in the same chunk is read one turn later than the call, and must still come first.
      await nextTurn();
      const { signal } = context.mcpReq;
      signal.throwIfAborted();
      const sendProgress = progressOf(context);
      return answerToolCall(tool, params.arguments ?? {}, { orchestrator, log, signal, sendProgress });
    });
    return server;
  };
}

function progressOf({ mcpReq }: ServerContext): CallContext['sendProgress'] {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return async (update) => {
    if (mcpReq.signal.aborted) return;
    const params = { progressToken, total: 1, ...update };
    await mcpReq.notify({ method: 'notifications/progress', params });
  };
}

function unknownTool(name: string): ProtocolError {
  const known = TOOLS.map((tool) => tool.name).join(', ');
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool "${name}"; known: ${known}.`);
}
