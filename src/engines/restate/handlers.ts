import { randomUUID } from 'node:crypto';
import type {
  Context,
  InvocationId,
  ObjectContext,
  ObjectSharedContext,
  RestatePromise,
  Serde,
} from '@restatedev/restate-sdk';
import * as errors from '../../core/errors.js';
import type {
  AttemptMessage,
  AttemptOutcome,
  Begun,
  Names,
  ShelfText,
  TaskEnd,
  TaskGoesOn,
  TaskMessage,
} from './protocol.js';
import type { Sdk } from './sdk.js';
import { endOf, endOutside } from './task-ends.js';
import { TaskLoop } from './task-loop.js';

/** What the handlers need of the worker that they run in. */
export interface HandlerPorts {
  readonly names: Names;
  /** How long the server keeps ends, in milliseconds. */
  readonly keepMs: number;
  /** Makes an attempt in this process. */
  readonly visit: (message: AttemptMessage, signal: AbortSignal) => Promise<AttemptOutcome>;
}

/** A day: attempts have their own time limit, and at the server's they would be begun anew. */
const NO_LIMIT_MS = 86_400_000;

/**
 * How long a task may wait in a worker, in milliseconds; then it waits at the server. A node runs a thousand invocations at
 * once, and attempts would find no room among as many waiting tasks.
 */
const WAIT_MS = 500;

/** How long the invocation that goes on with a task usually takes to arrive, at most, in milliseconds. */
const ARRIVAL_MS = 100;

/** Waits between the server's own tries. Their number has no limit: a worker that is away counts as a failed one. */
const RETRY_POLICY = { initialInterval: 50, exponentiationFactor: 2, maxInterval: 1000 };

/**
 * The handlers that the server calls, in two levels: the outer one is the task, which loops and sleeps; the inner one is an
 * attempt, under the limits. So a task in backoff has no slot. Most tasks begin with an attempt (`first`), and have no need
 * of the outer handler when that is their only one.
 */
export function createHandlers(sdk: Sdk, ports: HandlerPorts) {
  const { names, keepMs } = ports;
  /** Of attempts that are about to begin in this process. */
  const marks = new Set<string>();
  const ends = {
    retryPolicy: RETRY_POLICY,
    idempotencyRetention: keepMs,
    journalRetention: 0,
    inactivityTimeout: WAIT_MS,
  };
  const attempts = {
    retryPolicy: RETRY_POLICY,
    ingressPrivate: true,
    journalRetention: 0,
    inactivityTimeout: NO_LIMIT_MS,
    abortTimeout: NO_LIMIT_MS,
  };
  const runTask = async (ctx: Context, task: TaskMessage): Promise<TaskEnd> => ({
    result: await new TaskLoop(sdk, ctx, names, task).run(),
    fingerprint: task.fingerprint,
  });
  const runAttempt = (ctx: Context, message: AttemptMessage): Promise<AttemptOutcome> =>
    attempt(sdk, ctx, { ...ports, message, marks });
  const runFirst = async (ctx: Context, task: TaskMessage): Promise<TaskEnd | TaskGoesOn> => {
    const outcome = await runAttempt(ctx, { task, number: 1, startedId: null });
    const { fingerprint } = task;
    return outcome.kind === 'ended'
      ? { result: endOf(outcome, task, outcome.startedAtMs), fingerprint }
      : goOn(sdk, ctx, { names, task: { ...task, begun: begunBy(outcome) } });
  };
  return [
    sdk.service({ name: names.task, handlers: { run: sdk.handlers.handler(ends, runTask) } }),
    sdk.service({
      name: names.attempt,
      handlers: {
        run: sdk.handlers.handler(attempts, runAttempt),
        first: sdk.handlers.handler(
          { ...attempts, ingressPrivate: false, idempotencyRetention: keepMs },
          runFirst,
        ),
      },
    }),
    createShelf(sdk, names),
  ];
}

/**
 * Makes an attempt, whose steps are the same however often it is run anew. One that must not be repeated is marked before it
 * begins: when its mark is not of this run, an earlier one had begun it and did not come to its end.
 */
async function attempt(
  sdk: Sdk,
  ctx: Context,
  { message, visit, marks }: HandlerPorts & { readonly message: AttemptMessage; readonly marks: Set<string> },
): Promise<AttemptOutcome> {
  const { task, number, startedId } = message;
  if (startedId !== null) ctx.resolveAwakeable(startedId, null);
  const begun = task.isIdempotent ? null : await ctx.run('begin', () => mark(marks));
  const abort = new AbortController();
  const { attemptCompletedSignal: gone } = ctx.request();
  const stop = (): void => abort.abort(new Error('the engine gave the attempt up'));
  if (gone.aborted) stop();
  else gone.addEventListener('abort', stop, { once: true });
  try {
    return await ctx.run(`attempt ${number}`, () => {
      if (begun === null || marks.delete(begun.mark)) return visit(message, abort.signal);
      const error = errors.interrupted(task.service, number, 1);
      return Promise.resolve(endedBy(message, 'interrupted', { error, atMs: begun.atMs }));
    });
  } catch (cause) {
    // A cancel of the task arrives here.
    abort.abort(cause);
    if (!(cause instanceof sdk.CancelledError)) throw cause;
    return endedBy(message, 'cancelled', { error: errors.cancelled(cause), atMs: await ctx.date.now() });
  } finally {
    gone.removeEventListener('abort', stop);
    if (begun !== null) marks.delete(begun.mark);
  }
}

function begunBy(outcome: Exclude<AttemptOutcome, { kind: 'ended' }>): Begun {
  const { delayMs } = outcome;
  return outcome.kind === 'again'
    ? { number: 2, startedAtMs: outcome.startedAtMs, delayMs }
    : { number: 1, startedAtMs: null, delayMs };
}

/** Hands a task over to the outer handler; a cancel in the middle of that is passed on. */
async function goOn(
  sdk: Sdk,
  ctx: Context,
  { names, task }: { readonly names: Names; readonly task: TaskMessage },
): Promise<TaskGoesOn> {
  const { invocationId } = ctx.genericSend<TaskMessage>({
    service: names.task,
    method: 'run',
    parameter: task,
    inputSerde: sdk.serde.json as Serde<TaskMessage>,
    // Its end is kept only under a key.
    idempotencyKey: `after:${ctx.request().id}`,
  });
  try {
    return { goesOnAs: await invocationId };
  } catch (cause) {
    if (!(cause instanceof sdk.CancelledError)) throw cause;
    const next = await whateverComes(sdk, invocationId as RestatePromise<InvocationId>);
    // A cancel that is there before it finds nothing. Whoever cancelled goes after it too.
    await whateverComes(sdk, ctx.sleep(ARRIVAL_MS));
    ctx.cancel(next);
    return { goesOnAs: next };
  }
}

/** Waits to the end, however often the task is cancelled meanwhile: each of these cancels is said by the next wait. */
async function whateverComes<T>(sdk: Sdk, promise: RestatePromise<T>): Promise<T> {
  for (;;) {
    try {
      // Awaited by itself it would say the same cancel again.
      return await sdk.RestatePromise.race([promise]);
    } catch (cause) {
      if (!(cause instanceof sdk.CancelledError)) throw cause;
    }
  }
}

function mark(marks: Set<string>): { readonly mark: string; readonly atMs: number } {
  const mark = randomUUID();
  marks.add(mark);
  return { mark, atMs: Date.now() };
}

/** How an attempt that had begun was ended from outside. */
function endedBy(
  { task, number }: AttemptMessage,
  status: 'interrupted' | 'cancelled',
  { error, atMs }: { readonly error: errors.OrchestratorError; readonly atMs: number },
): AttemptOutcome {
  const progress = { attempts: number, startedAtMs: atMs, endedAtMs: atMs };
  return {
    kind: 'ended',
    result: endOutside(task, status, { error, progress }),
    startedAtMs: atMs,
    endedAtMs: atMs,
  };
}

/** Texts by key, each for a time. */
function createShelf(sdk: Sdk, names: Names) {
  const expire = { name: names.shelf } as const;
  return sdk.object({
    name: names.shelf,
    handlers: {
      put: async (ctx: ObjectContext, { text, keepMs }: ShelfText): Promise<void> => {
        const version = ((await ctx.get<number>('version')) ?? 0) + 1;
        ctx.set('version', version);
        ctx.set('text', text);
        ctx.genericSend({
          service: expire.name,
          method: 'expire',
          key: ctx.key,
          parameter: version,
          inputSerde: sdk.serde.json as never,
          delay: keepMs,
        });
      },
      find: sdk.handlers.object.shared(
        async (ctx: ObjectSharedContext): Promise<string | null> => ctx.get<string>('text'),
      ),
      drop: async (ctx: ObjectContext): Promise<void> => ctx.clearAll(),
      expire: async (ctx: ObjectContext, version: number): Promise<void> => {
        if ((await ctx.get<number>('version')) === version) ctx.clearAll();
      },
    },
  });
}
