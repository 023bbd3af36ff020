import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { toCallToolResult } from '../answer-tool-call.js';
import { cut } from '../wire-result.js';
import type { Run } from './run.js';
import type { RunStore } from './run-store.js';

/** Name of the extension in the capabilities of both sides. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** How often a client should ask, in milliseconds. */
const POLL_MS = 1000;

const paramsSchema = lazySchema(() => z.looseObject({ taskId: z.string() }));
const resultSchema = lazySchema(() => z.looseObject({}));

/** Whether the client of a request of the 2026 era says that it understands tasks. */
export function declaresTasks({ mcpReq }: ServerContext): boolean {
  // The envelope's type names no key of the protocol.
  const envelope = mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
  const capabilities = envelope?.[CLIENT_CAPABILITIES_META_KEY] as
    | { readonly extensions?: Readonly<Record<string, unknown>> | null }
    | null
    | undefined;
  return capabilities?.extensions?.[TASKS_EXTENSION] !== undefined;
}

/** A run as the answer to the call that started it; what the SDK's types do not know, its wire does. */
export function toTaskAnswer(run: Run, runs: RunStore): CallToolResult {
  return { resultType: 'task', ...toTask(run, runs) } as unknown as CallToolResult;
}

/**
 * Answers `tasks/get`, `tasks/cancel` and `tasks/update` on a server: a task is a run, its id the run's. A client that does
 * not declare the extension is refused with -32021, a task that is unknown or another's with -32602.
 */
export function serveTasks(server: Server, runs: RunStore, principal: string | null): void {
  const find = async (taskId: string, context: ServerContext): Promise<Run> => {
    if (!declaresTasks(context)) {
      throw new MissingRequiredClientCapabilityError({
        requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
      });
    }
    await runs.bring(taskId, principal);
    const run = runs.get(taskId, principal);
    if (run !== undefined) return run;
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no task "${cut(taskId, 64)}" of yours.`,
    );
  };
  const schemas = { params: paramsSchema.schema, result: resultSchema.schema };
  server.setRequestHandler('tasks/get', schemas, async ({ taskId }, context) => {
    const run = await find(taskId, context);
    runs.markTold(run);
    return toDetailedTask(run, runs);
  });
  server.setRequestHandler('tasks/cancel', schemas, async ({ taskId }, context) => {
    runs.cancel(await find(taskId, context), undefined);
    return {};
  });
  // No run ever asks for input, so there is nothing that an update could answer.
  server.setRequestHandler('tasks/update', schemas, async ({ taskId }, context) => {
    await find(taskId, context);
    return {};
  });
}

function toDetailedTask(run: Run, runs: RunStore): Record<string, unknown> {
  const task = toTask(run, runs);
  switch (task.status) {
    case 'completed':
      return { ...task, result: { resultType: 'complete', ...toCallToolResult(run.answer()) } };
    case 'failed':
      return { ...task, error: { code: ProtocolErrorCode.InternalError, message: run.answer().text } };
    default:
      return task;
  }
}

function toTask(run: Run, runs: RunStore) {
  const { message } = run.progress ?? {};
  const isSaying = !run.hasEnded && message !== undefined;
  return {
    taskId: run.id,
    status: statusOf(run),
    ...(isSaying && { statusMessage: message }),
    createdAt: runs.toTimestamp(run.startedAtMs),
    lastUpdatedAt: runs.toTimestamp(run.changedAtMs),
    ttlMs: runs.ttlMs(run),
    pollIntervalMs: POLL_MS,
  };
}

/** A tool that fails is a completed task; `failed` is a fault of ours. A cancel that came too late changed nothing. */
function statusOf(run: Run): 'working' | 'completed' | 'failed' | 'cancelled' {
  if (!run.hasEnded) return 'working';
  if (run.end?.isOurFault === true) return 'failed';
  return run.isCancelRequested && run.answer().isError ? 'cancelled' : 'completed';
}
