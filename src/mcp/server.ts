import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type CallToolResult,
  type McpServerFactory,
  ProtocolError,
  ProtocolErrorCode,
  type Tool as SdkTool,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { answerToolCall, type CallFace } from './answer-tool-call.js';
import { INSTRUCTIONS } from './instructions.js';
import { type Departure, LOST_STREAM, type Presence, presenceOf } from './presence.js';
import type { RunStore } from './runs/run-store.js';
import { declaresTasks, serveTasks, TASKS_EXTENSION, toTaskAnswer } from './runs/task-methods.js';
import type { Tool, ToolCall } from './tools/define-tool.js';
import { findTool, TOOLS, toolListings } from './tools/tool-table.js';

/** What a server needs beside the orchestrator. */
export interface McpServerOptions {
  /** Shared by every server that answers for the orchestrator. */
  readonly runs: RunStore;
  readonly log: Log;
  /** Version that clients are told. */
  readonly version: string;
}

const CAPABILITIES = { tools: {}, extensions: { [TASKS_EXTENSION]: {} } };
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
  { runs, log, version }: McpServerOptions,
): McpServerFactory {
  return ({ authInfo }) => {
    const principal = authInfo?.clientId ?? null;
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
      context.mcpReq.signal.throwIfAborted();
      const call = { orchestrator, runs, principal, presence: presenceIn(context) };
      const face = { log, sendProgress: progressOf(context) };
      return tool.startsRun && declaresTasks(context)
        ? answerAsTask(tool, params.arguments ?? {}, call, face)
        : answerToolCall(tool, params.arguments ?? {}, call, face);
    });
    serveTasks(server, runs, principal);
    return server;
  };
}

/** What ends soon is answered as it is; for the rest the client gets a task. */
async function answerAsTask(
  tool: Tool,
  args: unknown,
  call: ToolCall,
  face: CallFace,
): Promise<CallToolResult> {
  const { runs, principal } = call;
  const mostWaitSeconds = runs.limits.taskAfterSeconds;
  const answer = await answerToolCall(tool, args, { ...call, mostWaitSeconds }, face);
  const { runId, status } = (answer.structuredContent ?? {}) as { runId?: unknown; status?: unknown };
  const run = status === 'running' ? runs.get(String(runId), principal) : undefined;
  return run === undefined ? answer : toTaskAnswer(run, runs);
}

function presenceIn(context: ServerContext): Presence {
  const { signal, envelope } = context.mcpReq;
  // Over HTTP the 2026 era knows no cancel but the end of the stream, which may also have been lost.
  const departureOf = (reason: unknown): Departure =>
    context.http !== undefined && (envelope !== undefined || reason === LOST_STREAM) ? 'lost' : 'cancelled';
  return presenceOf(signal, departureOf);
}

function progressOf({ mcpReq }: ServerContext): CallFace['sendProgress'] {
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
