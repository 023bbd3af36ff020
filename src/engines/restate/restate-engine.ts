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
import { asKept, type KeptValue, whyNotKept } from '../kept-values.js';
import { RESTATE_CAPABILITIES } from './capabilities.js';
import { limitsOf } from './limits.js';
import {
  fingerprintOf,
  invocationKeyOf,
  type Names,
  namesOf,
  type TaskEnd,
  type TaskMessage,
} from './protocol.js';
import { RemoteShelf } from './remote-shelf.js';
import { type Invocation, type InvocationEnd, RestateServer } from './restate-server.js';
import { endOutside } from './task-ends.js';
import { Watchdog } from './watchdog.js';

/** A task that the server has, or is about to get. */
interface OpenTask {
  invocation: Invocation | null;
  message: TaskMessage | null;
  /** How it was ended here before the server said how it ended. */
  endedHere: TaskResult | null;
}

/**
 * Accepts tasks by handing them to a Restate server, whose workers run them, and tells their ends.
 *
 * Owns: which open task is which invocation. Talks to: the server, the runtime. Invariants:
 * - I1 a task is accepted once the server has it;
 * - I2 a task that was ended here (cancel, deadline) is told once the server has been asked to stop it;
 * - I3 what this process does not learn is not lost: the server keeps the end under the task's key.
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
  readonly #watchdog: Watchdog;
  readonly #open = new Map<EngineTask, OpenTask>();
  /** Requests whose end `told` and `close` wait for. */
  readonly #telling = new Set<Promise<void>>();
  readonly #shelves: RemoteShelf[] = [];
  #runtime: EngineRuntime | null = null;

  constructor(options: RestateOptions, log: Log) {
    const { ingressUrl, adminUrl, timeoutSeconds, namespace, watchSeconds } = options;
    this.#options = options;
    this.#names = namesOf(namespace);
    this.#server = new RestateServer({ ingressUrl, adminUrl, timeoutMs: timeoutSeconds * 1000 });
    this.#log = log;
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
    await this.told();
    for (const shelf of this.#shelves) await shelf.kept().catch(() => {});
    this.#runtime = null;
    await this.#server.close();
  }

  // Keeper.

  accept(task: EngineTask): void {
    this.#open.set(task, { invocation: null, message: null, endedHere: null });
    void this.#hand(task);
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
    this.#tell(this.#stop(task, known.invocation, result));
  }

  commit(): void {}

  async told(): Promise<void> {
    while (this.#telling.size > 0) await Promise.all(this.#telling);
  }

  resize(change: LimitChange): void {
    const limits = limitsOf(this.#names, change);
    this.#server.setLimits(limits).catch((cause) => {
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
      const message = await this.#messageOf(task, runtime);
      const invocation = await this.#server.send(`${this.#names.task}/run`, invocationKeyOf(task), message);
      known.message = message;
      known.invocation = invocation;
    } catch (cause) {
      this.#refuse(task, asRefusal(cause));
      return;
    }
    if (known.endedHere !== null) {
      this.#tell(this.#stop(task, known.invocation, known.endedHere));
      return;
    }
    runtime.handOver(task);
    this.#watchdog.watch(this.#open);
    await this.#follow(task, known, known.invocation);
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
  async #follow(task: EngineTask, known: OpenTask, { id, isKnown }: Invocation): Promise<void> {
    const end = await this.#server.endOf(id);
    // It was ended here meanwhile, or this process stops: the server keeps its end.
    if (end === null || known.endedHere !== null || known.message === null) return;
    this.#open.delete(task);
    const result = resultOf(task, known.message, end);
    if ('conflict' in result) this.#runtime?.refuse(task, errors.idempotencyConflict(result.conflict));
    else this.#runtime?.end(task, isKnown ? { ...result, taskId: task.id } : result);
  }

  /** Asks the server to stop a task that was ended here, and tells its caller. */
  async #stop(task: EngineTask, { id }: Invocation, result: TaskResult): Promise<void> {
    this.#open.delete(task);
    if (result.errorDetails?.kept !== true) {
      await this.#server.cancel(id).catch((cause) => {
        this.#log.warn({ cause, taskId: task.id }, 'the engine was not told to stop a task; it may go on');
      });
    }
    this.#runtime?.answer(task, result);
  }

  #refuse(task: EngineTask, error: errors.OrchestratorError): void {
    const known = this.#open.get(task);
    this.#open.delete(task);
    if (known?.endedHere) this.#runtime?.answer(task, known.endedHere);
    else this.#runtime?.refuse(task, error);
  }

  #tell(telling: Promise<void>): void {
    this.#telling.add(telling);
    void telling.finally(() => this.#telling.delete(telling));
  }
}

function asRefusal(cause: unknown): errors.OrchestratorError {
  return cause instanceof errors.OrchestratorError
    ? cause
    : new errors.OrchestratorError('INTERNAL', errors.messageOf(cause), {}, { cause });
}

/** What the server's word on a task means for the caller who asked for it. */
function resultOf(
  task: EngineTask,
  message: TaskMessage,
  end: InvocationEnd,
): TaskResult | { readonly conflict: string } {
  if (end.kind === 'returned') {
    const { result, fingerprint } = end.value as TaskEnd;
    const { idempotencyKey } = task.settings;
    if (idempotencyKey !== null && fingerprint !== message.fingerprint) return { conflict: idempotencyKey };
    return result;
  }
  const progress = { attempts: 0, startedAtMs: null, endedAtMs: Date.now() };
  const error = errors.cancelled(new Error(`at the server: ${end.message}`));
  return endOutside(message, 'cancelled', { error, progress });
}
