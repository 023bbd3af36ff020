import type {
  Engine,
  EngineCapabilities,
  EngineRuntime,
  EngineTask,
  LimitChange,
  TaskKeeper,
} from '../../core/engine.js';
import type { RestateOptions } from '../../core/engine-config.js';
import type { Log } from '../../core/environment.js';
import * as errors from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import { asKept, type KeptValue } from '../kept-values.js';
import { RESTATE_CAPABILITIES } from './capabilities.js';
import { type Endpoint, serveHandlers } from './endpoint.js';
import { LimitBoard } from './limit-board.js';
import { allLimitsOf, limitsOf } from './limits.js';
import { type AttemptMessage, type AttemptOutcome, type Names, namesOf } from './protocol.js';
import { RestateServer } from './restate-server.js';
import { loadSdk } from './sdk.js';

/** Least wait for a circuit, in milliseconds: between two looks nothing else can be done. */
const LEAST_WAIT_MS = 100;

/** What a worker says that begins nothing more. */
const HANDED_BACK: AttemptOutcome = { kind: 'not-now', delayMs: 500 };

/** What a worker needs from outside. */
export interface WorkerPorts {
  readonly log: Log;
  /** Whether a task fails when the circuit of its service is open, and does not wait. */
  readonly failsWhenUnavailable: boolean;
}

/** Where a worker is reached. */
export interface WorkerDoor {
  readonly host: string;
  readonly port: number;
  /** As the server sees it, where that differs. */
  readonly url: string | undefined;
  readonly identityKeys: readonly string[];
}

/** An attempt that runs in this process. */
interface Visit {
  readonly number: number;
  readonly signal: AbortSignal;
  readonly startedAtMs: number;
  readonly end: (outcome: AttemptOutcome) => void;
  readonly fail: (cause: unknown) => void;
}

/**
 * The engine of a worker: its runtime makes one attempt at a time of each task that the server hands to it. What is to
 * follow (another attempt, and when) is decided by the same machines as everywhere, and told to the server.
 *
 * Owns: which attempt of which task is under way here. Talks to: the runtime. Invariants:
 * - L1 each attempt that was begun is answered once: by an outcome, or by a fault after which the server tries again;
 * - L2 between two attempts of a task nothing of it is left here.
 */
export class WorkerEngine implements Engine, TaskKeeper {
  readonly kind = 'restate';
  readonly capabilities: EngineCapabilities = RESTATE_CAPABILITIES;
  readonly keeper = this;
  readonly archive = null;
  readonly #options: RestateOptions;
  readonly #ports: WorkerPorts;
  readonly #names: Names;
  readonly #server: RestateServer;
  readonly #board: LimitBoard;
  /** Limits that are being looked up. */
  readonly #lookingUp = new Set<string>();
  readonly #visits = new Map<EngineTask, Visit>();
  #runtime: EngineRuntime | null = null;
  #endpoint: Endpoint | null = null;
  #isStopping = false;

  constructor(options: RestateOptions, ports: WorkerPorts) {
    const { ingressUrl, adminUrl, timeoutSeconds } = options;
    this.#options = options;
    this.#ports = ports;
    this.#names = namesOf(options.namespace);
    this.#server = new RestateServer({ ingressUrl, adminUrl, timeoutMs: timeoutSeconds * 1000 });
    this.#board = new LimitBoard({ server: this.#server, names: this.#names, log: ports.log });
  }

  /**
   * Opens the door, and makes it and the limits known to the server.
   *
   * @returns Where the server reaches it.
   * @throws OrchestratorError `MISSING_PACKAGE`, `ENGINE_UNAVAILABLE`
   */
  async open({ host, port, url, identityKeys }: WorkerDoor): Promise<string> {
    const names = this.#names;
    const limits = this.#runtime === null ? new Map() : allLimitsOf(names, this.#runtime.limits());
    const sdk = await loadSdk();
    await this.#server.check();
    const visit = this.visit.bind(this);
    const keepMs = this.#options.keepSeconds * 1000;
    const { log } = this.#ports;
    this.#endpoint = await serveHandlers(sdk, { names, keepMs, visit }, { host, port, identityKeys, log });
    const reached = url ?? `http://${host.includes(':') ? `[${host}]` : host}:${this.#endpoint.port}`;
    await this.#server.setLimits(limits);
    await this.#server.register(reached);
    await this.#server.probe(`${names.shelf}/probe/find`, reached);
    this.#board.note(limits);
    return reached;
  }

  /** Begins no further attempt: the server makes them elsewhere, or later. */
  stop(): void {
    this.#isStopping = true;
  }

  /**
   * Makes an attempt.
   *
   * @param signal - Fires when its outcome is not wanted any more: then the service's signal fires.
   * @throws OrchestratorError `SHUTTING_DOWN` when this worker stops before its end: then it is made again, or the task is
   * interrupted when its service is not idempotent.
   */
  visit({ task, number }: AttemptMessage, signal: AbortSignal): Promise<AttemptOutcome> {
    const runtime = this.#runtime;
    if (runtime === null || this.#isStopping) return Promise.resolve(HANDED_BACK);
    return new Promise((resolve, reject) => {
      const { id, text, service, acceptedAtMs } = task;
      const ageMs = Math.max(0, Date.now() - acceptedAtMs);
      const settings = { ...task.settings, service, queueTimeoutMs: null };
      const record = runtime.restore({ id, text, settings, attempts: number - 1, ageMs });
      const stop = (): void => runtime.cancel(record, signal.reason);
      const done = (): void => {
        this.#visits.delete(record);
        signal.removeEventListener('abort', stop);
      };
      this.#visits.set(record, {
        number,
        signal,
        startedAtMs: Date.now(),
        end: (outcome) => {
          done();
          resolve(outcome);
        },
        fail: (cause) => {
          done();
          reject(cause);
        },
      });
      signal.addEventListener('abort', stop);
      this.#keepUp(runtime, service);
      runtime.run([record]);
      if (signal.aborted) stop();
    });
  }

  /** That the server hands over more than this process allows may mean that a limit was raised elsewhere. */
  #keepUp(runtime: EngineRuntime, service: string): void {
    const { maxParallel, services } = runtime.limits();
    const visits = [...this.#visits.keys()];
    if (visits.length > maxParallel) this.#lookUp({ maxParallel });
    const concurrency = services.get(service);
    const ofService = visits.filter(({ settings }) => settings.service === service).length;
    if (concurrency !== undefined && ofService > concurrency) this.#lookUp({ service, concurrency });
  }

  /** Takes a limit over that is higher than what this process knows. */
  #lookUp(known: LimitChange): void {
    for (const pattern of limitsOf(this.#names, known).keys()) {
      if (this.#lookingUp.has(pattern)) continue;
      this.#lookingUp.add(pattern);
      void this.#board.find(pattern).then((limit = 0) => {
        this.#lookingUp.delete(pattern);
        if ('service' in known) {
          if (limit > known.concurrency) this.#runtime?.resize({ ...known, concurrency: limit });
        } else if (limit > known.maxParallel) this.#runtime?.resize({ maxParallel: limit });
      });
    }
  }

  // Engine.

  start(runtime: EngineRuntime): void {
    this.#runtime = runtime;
  }

  shelf(): null {
    return null;
  }

  async close(): Promise<void> {
    this.#runtime = null;
    await this.#board.told();
    await this.#endpoint?.close();
    await this.#server.close();
  }

  // Keeper.

  accept(task: EngineTask): void {
    queueMicrotask(() => this.#runtime?.refuse(task, errors.workerTakesNoTasks()));
  }

  attempt(_task: EngineTask, _service: string, begin: () => void): void {
    begin();
  }

  rest(task: EngineTask, delayMs: number): void {
    const visit = this.#visits.get(task);
    if (visit === undefined) return;
    visit.end({ kind: 'again', delayMs, startedAtMs: visit.startedAtMs });
    // The runtime is in the middle of it.
    queueMicrotask(() => this.#runtime?.cancel(task, errors.handedBack(delayMs)));
  }

  keepable(value: unknown, service: string): KeptValue {
    return asKept(value, service, this.#options.maxRecordBytes);
  }

  settle(task: EngineTask, result: TaskResult): void {
    const visit = this.#visits.get(task);
    if (visit !== undefined) tell(visit, result, this.#ports.failsWhenUnavailable);
    this.#runtime?.answer(task, result);
  }

  commit(): void {}

  resize(change: LimitChange): void {
    this.#board.set(limitsOf(this.#names, change)).catch((cause) => {
      this.#ports.log.warn({ cause, change }, 'the engine did not take a limit');
    });
  }

  async told(): Promise<void> {}
}

/** What the end of a task in this process means for the task. */
function tell(
  { number, signal, startedAtMs, end, fail }: Visit,
  result: TaskResult,
  failsWhenUnavailable: boolean,
): void {
  const wasTurnedAway = result.errorCode === 'SERVICE_UNAVAILABLE' && result.attempts < number;
  if (signal.aborted) fail(signal.reason);
  else if (result.errorCode === 'SHUTTING_DOWN') {
    if (result.attempts < number) end(HANDED_BACK);
    else fail(errors.shuttingDown());
  } else if (wasTurnedAway && !failsWhenUnavailable) {
    const { retryAfterSeconds } = result.errorDetails ?? {};
    const seconds = typeof retryAfterSeconds === 'number' ? retryAfterSeconds : 1;
    end({ kind: 'not-now', delayMs: Math.max(LEAST_WAIT_MS, seconds * 1000) });
  } else end({ kind: 'ended', result, startedAtMs, endedAtMs: Date.now() });
}
