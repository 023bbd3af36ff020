import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type McpRequestContext,
  ProtocolError,
  ProtocolErrorCode,
  type Tool as SdkTool,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { answerToolCall, type CallContext } from './answer-tool-call.js';
import { registerCompletions } from './completions.js';
import { INSTRUCTIONS } from './instructions.js';
import { registerPrompts } from './prompts/register-prompts.js';
import { registerResources } from './resources/register-resources.js';
import type { ResourceSources } from './resources/resource-sources.js';
import type { Updates } from './resources/updates.js';
import { findTool, TOOLS, toolListings } from './tools/tool-table.js';

/** What a server needs beside the orchestrator. */
export interface McpServerOptions {
  readonly log: Log;
  /** Version that clients are told. */
  readonly version: string;
}

/** What the servers of one factory share. */
export interface McpServerParts extends McpServerOptions {
  readonly sources: ResourceSources;
  readonly updates: Updates;
}

const CAPABILITIES = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} };
const FOR_A_MINUTE = { ttlMs: 60_000, cacheScope: 'private' } as const;
const CACHE_HINTS = {
  'tools/list': FOR_A_MINUTE,
  'prompts/list': FOR_A_MINUTE,
  'resources/templates/list': FOR_A_MINUTE,
  'resources/list': { ttlMs: 5000, cacheScope: 'private' },
  'resources/read': { ttlMs: 0, cacheScope: 'private' },
} as const;

/**
 * Makes the factory that the SDK calls for every connection, of either protocol era. A server holds no state but the
 * subscriptions of its connection: what else outlives a request belongs to the orchestrator.
 *
 * The low-level `Server` is used on purpose: `McpServer` compiles every schema per instance and turns each throw into
 * text that a client sees.
 */
export function createMcpServerFactory(
  orchestrator: OrchestratorPort,
  { log, version, sources, updates }: McpServerParts,
): (context: McpRequestContext) => Server {
  return ({ era }) => {
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
    registerResources(server, { sources, updates, log }, era);
    registerPrompts(server, orchestrator, log);
    registerCompletions(server, orchestrator, log);
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
