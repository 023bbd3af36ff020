/**
 * Owns: the threads or processes of one service. Talks to: each of them, through its run.
 *
 * - L1 Each has one job at a time; as many live as jobs ran at once.
 * - L2 A run settles once its thread or process is idle or gone, whatever became of the job.
 * - L3 One that waits for a job does not keep this process alive; after close() there is none.
 * - L4 One that crashed is replaced when it is needed, not before a backoff and not after too many crashes.
 */
import type { OrchestratorError } from '../../core/errors.js';
import { shuttingDown } from '../../core/errors.js';
import { TERM_GRACE_MS } from '../process-group.js';
import type { Isolate } from './isolate.js';
import { runOn } from './isolated-run.js';
import { crashesTooOften } from './isolation-errors.js';
import { RestartIntensity } from './restart-intensity.js';
import type { JobHooks } from './serve-jobs.js';

/** What a pool is made of. */
export interface IsolatePoolOptions {
  /** Starts a thread or process. */
  readonly start: () => Isolate | Promise<Isolate>;
  /** What it is, for messages: `thread of module "/path/x.mjs"`. */
  readonly what: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Whether an unexpected end counts among the crashes that lead to a backoff. Default: each does. */
  readonly isCrash?: (reason: OrchestratorError) => boolean;
}

/** How long an idle thread or process may take to close what it holds, in milliseconds. */
const CLOSE_MS = 1000;

/** Threads or processes that are started when needed and kept for later jobs. */
export class IsolatePool<J> {
  readonly #options: IsolatePoolOptions;
  readonly #restarts = new RestartIntensity();
  readonly #idle: Isolate[] = [];
  readonly #runs = new Map<AbortController, Promise<unknown>>();
  #lastId = 0;
  #lastCrash: OrchestratorError | undefined;

  constructor(options: IsolatePoolOptions) {
    this.#options = options;
  }

  /**
   * Runs one job and resolves with its value.
   *
   * @throws What the code threw; the signal's reason when it fires; `CRASHED` when the thread or process died;
   * `SERVICE_UNAVAILABLE` when none could be started; `SHUTTING_DOWN` on close().
   */
  run(job: J, hooks: JobHooks): Promise<unknown> {
    const giveUp = new AbortController();
    const onAbort = (): void => giveUp.abort(hooks.signal.reason);
    if (hooks.signal.aborted) onAbort();
    else hooks.signal.addEventListener('abort', onAbort, { once: true });
    const run = this.#run(job, { ...hooks, signal: giveUp.signal }).finally(() => {
      hooks.signal.removeEventListener('abort', onAbort);
      this.#runs.delete(giveUp);
    });
    this.#runs.set(giveUp, run);
    return run;
  }

  /** Gives up what runs and ends every thread or process; a later job starts a fresh one. */
  async close(): Promise<void> {
    const runs = [...this.#runs];
    for (const [giveUp] of runs) giveUp.abort(shuttingDown());
    await Promise.allSettled(runs.map(([, run]) => run));
    await Promise.all(this.#idle.splice(0).map(closeIdle));
  }

  async #run(job: J, hooks: JobHooks): Promise<unknown> {
    const isolate = await this.#acquire(hooks.signal);
    this.#lastId += 1;
    const outcome = await runOn(isolate, this.#lastId, job, hooks);
    if (outcome.type === 'died') this.#onGone(isolate, outcome.error);
    // Told to end at the very moment of its answer, or of no further use.
    else if (isolate.isEnding || (outcome.type === 'fault' && outcome.isUnusable)) await isolate.end(0);
    else this.#keep(isolate);
    hooks.signal.throwIfAborted();
    if (outcome.type === 'value') return outcome.value;
    throw outcome.error;
  }

  async #acquire(signal: AbortSignal): Promise<Isolate> {
    signal.throwIfAborted();
    const { now, start, what } = this.#options;
    const failedForMs = this.#restarts.failedForMs(now());
    if (failedForMs > 0) throw crashesTooOften(what, failedForMs, this.#lastCrash);
    if (this.#idle.length === 0) await pause(this.#restarts.waitMs(now()), signal);
    const idle = this.#idle.pop();
    if (idle) {
      idle.keepAlive(true);
      return idle;
    }
    const isolate = await start();
    if (!signal.aborted) return isolate;
    this.#keep(isolate);
    throw signal.reason;
  }

  #keep(isolate: Isolate): void {
    isolate.keepAlive(false);
    isolate.onGone = (reason) => this.#onGone(isolate, reason);
    this.#idle.push(isolate);
  }

  #onGone(isolate: Isolate, reason: OrchestratorError): void {
    const place = this.#idle.indexOf(isolate);
    if (place >= 0) this.#idle.splice(place, 1);
    const { isCrash = () => true, now } = this.#options;
    if (isolate.isEnding || !isCrash(reason)) return;
    this.#lastCrash = reason;
    this.#restarts.crashed(now());
  }
}

async function closeIdle(isolate: Isolate): Promise<void> {
  // It is asked to end: that is no crash.
  isolate.onGone = () => {};
  isolate.keepAlive(true);
  isolate.post({ type: 'close' });
  const timer = setTimeout(() => void isolate.end(TERM_GRACE_MS), CLOSE_MS);
  await isolate.gone;
  clearTimeout(timer);
}

/** Waits, or rejects with the signal's reason. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
