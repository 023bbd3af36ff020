import { setTimeout } from 'node:timers/promises';
import type {
  Engine,
  EngineCapabilities,
  EngineRuntime,
  EngineTask,
  LimitChange,
  Shelf,
  TaskKeeper,
} from '../../core/engine.js';
import type { RestateOptions } from '../../core/engine-config.js';
import type { Log } from '../../core/environment.js';
import * as errors from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import { RUN_KEY } from '../../core/task.js';
import { asKept, type KeptValue, whyNotKept } from '../kept-values.js';
import { RESTATE_CAPABILITIES } from './capabilities.js';
import { LimitBoard } from './limit-board.js';
import { limitsOf } from './limits.js';
import { fingerprintOf, invocationKeyOf, type Names, namesOf, pathOf, type TaskMessage } from './protocol.js';
import { RemoteShelf } from './remote-shelf.js';
import { type Invocation, RestateServer } from './restate-server.js';
import { isLeft, isNothing, nextOf, notLeft, resultOf } from './told-ends.js';
import { Watchdog } from './watchdog.js';

/** How long a close waits for what is on its way to the server, in milliseconds. */
const CLOSE_MS = 1000;

/** How often a key is taken again whose task had ended without an attempt, when others do the same. */
const MOST_TAKES = 5;

/** A task that the server has, or is about to get. */
interface OpenTask {
  invocation: Invocation | null;
  message: TaskMessage | null;
  /** How it was ended here before the server said how it ended. */
  endedHere: TaskResult | null;
}

/** A task that the server has. */
interface Handed {
  readonly message: TaskMessage;
  readonly invocation: Invocation;
  /** How often its key was taken. */
  readonly takes: number;
}

/**
 * Accepts tasks by handing them to a Restate server, whose workers run them, and tells their ends: one file, because each
 * step from the acceptance to the end decides what a cancel or a close in the middle of it means.
 *
 * Owns: which open task is which invocation. Talks to: the server, the runtime. Invariants:
 * - L1 a task is accepted once the server has it;
 * - L2 a task that was ended here (cancel, deadline) is told once the server has been asked to stop it; one of another
 *   caller, whose key was joined, goes on there, unless the key is that of a run;
 * - L3 what this process does not learn is not lost: the server keeps the end under the task's key.
 */
export class RestateEngine implements Engine, TaskKeeper {
  readonly kind = 'restate';
  readonly capabilities: EngineCapabilities = RESTATE_CAPABILITIES;
  readonly keeper = this;
  readonly archive = null;
  readonly #options: RestateOptions;
  readonly #names: Names;
  readonly #server: RestateServer;
  readonly #log: Log;
  readonly #board: LimitBoard;
  readonly #watchdog: Watchdog;
  readonly #open = new Map<EngineTask, OpenTask>();
  /** Tasks and cancels that are on their way to the server. */
  readonly #handing = new Set<Promise<void>>();
  /** Requests whose end `told` waits for. */
  readonly #telling = new Set<Promise<void>>();
  readonly #shelves: RemoteShelf[] = [];
  #runtime: EngineRuntime | null = null;

  constructor(options: RestateOptions, log: Log) {
    const { ingressUrl, adminUrl, timeoutSeconds, namespace, watchSeconds } = options;
    this.#options = options;
    this.#names = namesOf(namespace);
    this.#server = new RestateServer({ ingressUrl, adminUrl, timeoutMs: timeoutSeconds * 1000 });
    this.#log = log;
    this.#board = new LimitBoard({ server: this.#server, names: this.#names, log });
    this.#watchdog = new Watchdog({
      server: this.#server,
      names: this.#names,
      log,
      watchMs: watchSeconds * 1000,
    });
  }

  // Engine.

  start(runtime: EngineRuntime): void {
    this.#runtime = runtime;
  }

  shelf(name: string): Shelf {
    const { keepSeconds } = this.#options;
    const shelf = new RemoteShelf(name, {
      server: this.#server,
      names: this.#names,
      log: this.#log,
      keepMs: keepSeconds * 1000,
    });
    this.#shelves.push(shelf);
    return shelf;
  }

  async close(): Promise<void> {
    this.#watchdog.stop();
    const limit = new AbortController();
    await Promise.race([
      this.#underWay(),
      setTimeout(CLOSE_MS, undefined, { signal: limit.signal }).catch(() => {}),
    ]);
    limit.abort();
    await this.#server.close();
    // What was on its way failed, and its callers are told.
    await this.#underWay();
  }

  // Keeper.

  accept(task: EngineTask): void {
    this.#open.set(task, { invocation: null, message: null, endedHere: null });
    during(this.#handing, this.#hand(task));
  }

  attempt(_task: EngineTask, _service: string, begin: () => void): void {
    begin();
  }

  rest(): void {}

  keepable(value: unknown, service: string): KeptValue {
    return asKept(value, service, this.#options.maxRecordBytes);
  }

  settle(task: EngineTask, result: TaskResult): void {
    const known = this.#open.get(task);
    if (known === undefined) {
      this.#runtime?.answer(task, result);
      return;
    }
    known.endedHere = result;
    // Before it is with the server there is nothing to stop; `hand` sees that it has ended.
    if (known.invocation === null) return;
    during(this.#telling, this.#stop(task, known.invocation, result));
  }

  commit(): void {}

  async told(): Promise<void> {
    while (this.#telling.size > 0) await Promise.all(this.#telling);
  }

  resize(change: LimitChange): void {
    const limits = limitsOf(this.#names, change);
    this.#board.set(limits).catch((cause) => {
      this.#log.warn({ cause, change }, 'the engine did not take a limit');
    });
  }

  // Smaller things.

  /** Routes a task and hands it to the server. */
  async #hand(task: EngineTask): Promise<void> {
    const runtime = this.#runtime;
    const known = this.#open.get(task);
    if (runtime === null || known === undefined) return;
    try {
      known.message = await this.#messageOf(task, runtime);
      // A cancel came first: the server never hears of it.
      if (known.endedHere !== null && !isLeft(known.endedHere)) {
        this.#refuse(task, errors.cancelled(undefined));
        return;
      }
      known.invocation = await this.#send(invocationKeyOf(task), known.message);
    } catch (cause) {
      this.#refuse(task, asRefusal(cause));
      return;
    }
    runtime.handOver(task);
    if (known.endedHere !== null) {
      during(this.#telling, this.#stop(task, known.invocation, known.endedHere));
      return;
    }
    this.#watchdog.watch(this.#open);
    void this.#follow(task, { message: known.message, invocation: known.invocation, takes: 1 });
  }

  /** A key whose task ended without an attempt is free again, as under every engine: nothing was done. */
  async #send(key: string, message: TaskMessage): Promise<Invocation> {
    for (let takes = 1; ; takes += 1) {
      const invocation = await this.#server.send(pathOf(this.#names, message), key, message);
      if (!invocation.isKnown || takes === MOST_TAKES) return invocation;
      const end = await this.#server.endSoFar(invocation.id);
      if (end === null || !isNothing(end) || !(await this.#server.forget(invocation.id))) return invocation;
    }
  }

  async #messageOf(task: EngineTask, runtime: EngineRuntime): Promise<TaskMessage> {
    const { id, text, settings } = task;
    if (settings.priority !== 0) throw errors.cannotPrioritise(this.kind, settings.priority);
    const refusal = whyNotKept(text, settings.kwargs, this.#options.maxRecordBytes);
    if (refusal !== null) throw refusal;
    const acceptedAtMs = Date.now();
    const routed = await runtime.route(task);
    if ('error' in routed) throw routed.error;
    const { service, route } = routed;
    const isIdempotent = runtime.isIdempotent(service) === true;
    const fingerprint = fingerprintOf(task);
    return { id, text, settings, service, route, isIdempotent, acceptedAtMs, fingerprint };
  }

  /** Waits for the end of a task, and tells it. */
  async #follow(task: EngineTask, { message, invocation, takes }: Handed): Promise<void> {
    const end = await this.#server.endOf(invocation);
    const known = this.#open.get(task);
    // It was ended here meanwhile, or this process stops: the server keeps its end.
    if (end === null || known === undefined) return;
    const next = nextOf(end);
    if (next !== null) {
      known.invocation = { ...invocation, id: next, isNext: true };
      await this.#follow(task, { message, invocation: known.invocation, takes });
      return;
    }
    if (invocation.isKnown && isNothing(end) && takes < MOST_TAKES) {
      // Whoever had the key gave it up.
      await this.#takeOver(task, message, takes + 1);
      return;
    }
    this.#open.delete(task);
    const result = resultOf(task, message, end);
    if ('conflict' in result) this.#runtime?.refuse(task, errors.idempotencyConflict(result.conflict));
    else this.#runtime?.end(task, { ...result, taskId: task.id });
  }

  async #takeOver(task: EngineTask, message: TaskMessage, takes: number): Promise<void> {
    let invocation: Invocation;
    try {
      invocation = await this.#send(invocationKeyOf(task), message);
    } catch (cause) {
      this.#refuse(task, asRefusal(cause));
      return;
    }
    const known = this.#open.get(task);
    if (known === undefined) {
      if (!invocation.isKnown)
        await this.#cancel(task, invocation).catch((cause) => this.#warnOf(task, cause));
      return;
    }
    known.invocation = invocation;
    await this.#follow(task, { message, invocation, takes });
  }

  /** Asks the server to stop a task that was ended here, and tells its caller. */
  async #stop(task: EngineTask, invocation: Invocation, result: TaskResult): Promise<void> {
    this.#open.delete(task);
    const isJoined = invocation.isKnown && task.settings.idempotencyKey?.startsWith(RUN_KEY) !== true;
    if (!isJoined && !isLeft(result)) {
      await this.#cancel(task, invocation).catch((cause) => this.#warnOf(task, cause));
    }
    this.#runtime?.answer(task, result);
  }

  async #cancel(task: EngineTask, invocation: Invocation): Promise<void> {
    await this.#server.cancel(invocation);
    during(this.#handing, this.#cancelNext(task, invocation));
  }

  /** The cancel may have come when another invocation was just to go on with the task. */
  async #cancelNext(task: EngineTask, invocation: Invocation): Promise<void> {
    const end = await this.#server.endOf(invocation);
    const next = end && nextOf(end);
    if (next === null) return;
    await this.#server
      .cancel({ ...invocation, id: next, isNext: true })
      .catch((cause) => this.#warnOf(task, cause));
  }

  #warnOf({ id }: EngineTask, cause: unknown): void {
    this.#log.warn({ cause, taskId: id }, 'the engine was not told to stop a task; it may go on');
  }

  #refuse(task: EngineTask, error: errors.OrchestratorError): void {
    const endedHere = this.#open.get(task)?.endedHere ?? null;
    this.#open.delete(task);
    this.#runtime?.refuse(task, error);
    if (endedHere !== null) this.#runtime?.answer(task, isLeft(endedHere) ? notLeft(endedHere) : endedHere);
  }

  /** Resolves once nothing is on its way any more. */
  async #underWay(): Promise<void> {
    while (this.#handing.size > 0) await Promise.all(this.#handing);
    await this.told();
    await this.#board.told();
    for (const shelf of this.#shelves) await shelf.kept().catch(() => {});
  }
}

/** Keeps a promise in a set as long as it is open. */
function during(open: Set<Promise<void>>, promise: Promise<void>): void {
  open.add(promise);
  void promise.finally(() => open.delete(promise));
}

function asRefusal(cause: unknown): errors.OrchestratorError {
  return cause instanceof errors.OrchestratorError
    ? cause
    : new errors.OrchestratorError('INTERNAL', errors.messageOf(cause), {}, { cause });
}
