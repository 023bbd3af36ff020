/**
 * Owns: one worker thread. Talks to: the code in it, by messages.
 *
 * A thread that is blocked in a call of the operating system (`execSync`, say) ends only with that call; everything else,
 * an endless loop too, is ended at once.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { messageOf, OrchestratorError } from '../../core/errors.js';
import { GIVE_UP_MS, type Isolate } from './isolate.js';
import { crashed, outOfMemory } from './isolation-errors.js';
import type { FromIsolate, ToIsolate } from './messages.js';

/** What to run in a thread. */
export interface ThreadOptions {
  /** From `threadEntry()`. */
  readonly entry: URL;
  readonly workerData: unknown;
  readonly env: Readonly<Record<string, string>>;
  readonly resourceLimits: ResourceLimits;
  /** What dies when it dies, for messages: `thread of module "/path/x.mjs"`. */
  readonly what: string;
  /** How long code may go on once its attempt is given up, in milliseconds. Default: under a second. */
  readonly abortGraceMs?: number;
  /** Drops what it writes to stderr. Default: it goes to ours. */
  readonly isSilent?: boolean;
}

/** Starts a thread. What it does and whether it came up is told by its messages and its end. */
export function startThread(options: ThreadOptions): Isolate {
  return new ThreadIsolate(options);
}

class ThreadIsolate implements Isolate {
  onMessage: (message: FromIsolate) => void = () => {};
  onGone: (reason: OrchestratorError) => void = () => {};
  readonly gone: Promise<OrchestratorError>;
  readonly abortGraceMs: number;
  /** Output is cut inside the thread. */
  readonly droppedBytes = 0;
  readonly #worker: Worker;
  #isEnding = false;

  constructor({ what, abortGraceMs = GIVE_UP_MS, isSilent = false, ...options }: ThreadOptions) {
    this.abortGraceMs = abortGraceMs;
    // The host's flags are its own business. The thread itself sends what is written to stdout to stderr; `stdout: true`
    // keeps from ours what gets past that. It is not read: reading would keep the process alive.
    this.#worker = new Worker(options.entry, {
      workerData: options.workerData,
      env: { ...options.env },
      resourceLimits: options.resourceLimits,
      execArgv: [],
      stdout: true,
      stderr: isSilent,
    });
    this.#worker.on('message', (message: FromIsolate) => this.onMessage(message));
    let reason: OrchestratorError | undefined;
    this.#worker.on('error', (cause) => {
      reason = reasonOf(what, cause);
    });
    this.gone = new Promise((resolve) => {
      this.#worker.on('exit', (exitCode) => {
        const why = reason ?? crashed(what, `exit code ${exitCode}`, { exitCode, signal: null });
        this.onGone(why);
        resolve(why);
      });
    });
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  post(message: ToIsolate): void {
    this.#worker.postMessage(message);
  }

  keepAlive(isKept: boolean): void {
    if (isKept) this.#worker.ref();
    else this.#worker.unref();
  }

  end(): Promise<OrchestratorError> {
    this.#isEnding = true;
    void this.#worker.terminate();
    return this.gone;
  }
}

function reasonOf(what: string, cause: unknown): OrchestratorError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory(what, cause);
  if (code === 'ERR_WORKER_INIT_FAILED') {
    const message = `The ${what} could not be started: ${messageOf(cause)}; close other programs or raise the limits of open files and threads.`;
    return new OrchestratorError('SERVICE_UNAVAILABLE', message, {}, { cause });
  }
  return crashed(what, messageOf(cause), { exitCode: 1, signal: null }, cause);
}
