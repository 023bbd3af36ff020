/**
 * Owns the worker threads of one reasoning service.
 *
 * I1 A worker has one job at a time; a job that is given up ends its worker.
 * I2 A worker that waits does not keep the process alive; after close() there is none.
 * I3 Every job settles once: with the worker's message, its death, the time limit, the signal or close().
 */
import { Worker } from 'node:worker_threads';
import { messageOf, OrchestratorError, shuttingDown } from '../../core/errors.js';
import type { ReasoningAnswer, ReasoningJob } from './reasoning-answer.js';
import type { ReasoningFault } from './reasoning-jobs.js';

export interface ReasoningPoolOptions {
  /** Most heap of a worker, in MiB. */
  readonly memoryMb: number;
  /** Most time for one job, loading of libraries included. */
  readonly timeLimitSeconds: number;
  /** Limit of one check of the solver, in seconds; what is not decided by then is `unknown`. */
  readonly solverSeconds: number;
  /** Most workers kept for later jobs. */
  readonly mostIdle: number;
}

type Reply = { readonly answer: ReasoningAnswer } | { readonly fault: ReasoningFault };

export class ReasoningPool {
  readonly #options: ReasoningPoolOptions;
  readonly #live = new Set<Worker>();
  readonly #idle: Worker[] = [];
  /** Rejects the job of a worker; only while it has one. */
  readonly #rejections = new Map<Worker, (error: unknown) => void>();

  constructor(options: ReasoningPoolOptions) {
    this.#options = options;
  }

  /**
   * Runs one job, in a waiting worker or in a fresh one.
   *
   * @throws The signal's reason when it is aborted; `SERVICE_FAILED` (not retryable) when memory or time run out;
   * `CRASHED` when the thread dies; `SHUTTING_DOWN` on close(); else what the job threw.
   */
  async run(job: ReasoningJob, signal: AbortSignal): Promise<ReasoningAnswer> {
    signal.throwIfAborted();
    const worker = this.#idle.pop() ?? this.#start();
    worker.ref();
    const { timeLimitSeconds } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    let isDone = false;
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.#rejections.set(worker, reject);
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        timer = setTimeout(() => reject(outOfTime(timeLimitSeconds)), timeLimitSeconds * 1000);
        worker.once('message', resolve);
        worker.postMessage(job);
      });
      isDone = true;
      if ('answer' in reply) return reply.answer;
      const { code, message, facts, retryable } = reply.fault;
      throw new OrchestratorError(code, message, facts, { retryable });
    } finally {
      clearTimeout(timer);
      if (onAbort) signal.removeEventListener('abort', onAbort);
      this.#rejections.delete(worker);
      this.#release(worker, isDone);
    }
  }

  /** Ends every worker and what runs in it; a later job starts a fresh one. */
  async close(): Promise<void> {
    for (const reject of this.#rejections.values()) reject(shuttingDown());
    await Promise.all([...this.#live].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const worker = new Worker(workerEntry(), {
      // The host's flags are its own business.
      execArgv: [],
      workerData: { checkTimeoutMs: Math.ceil(this.#options.solverSeconds * 1000) },
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMb },
      // Whatever a library prints must not reach the stdout of a protocol. It is not read either: reading would keep
      // the process alive (I2).
      stdout: true,
      stderr: true,
    });
    this.#live.add(worker);
    worker.on('error', (error) => this.#rejections.get(worker)?.(this.#deathOf(error)));
    worker.on('exit', (exitCode) => {
      this.#live.delete(worker);
      const place = this.#idle.indexOf(worker);
      if (place >= 0) this.#idle.splice(place, 1);
      this.#rejections.get(worker)?.(crashed(`with exit code ${exitCode}`, { exitCode }, undefined));
    });
    return worker;
  }

  /** Keeps a worker that answered; one that was given up may be busy for ever and is ended. */
  #release(worker: Worker, isDone: boolean): void {
    if (isDone && this.#live.has(worker) && this.#idle.length < this.#options.mostIdle) {
      worker.unref();
      this.#idle.push(worker);
    } else {
      // Nobody waits for it; close() does for those still alive.
      void worker.terminate();
    }
  }

  #deathOf(error: unknown): OrchestratorError {
    const isOutOfMemory =
      error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    return isOutOfMemory ? outOfMemory(this.#options.memoryMb, error) : crashed(messageOf(error), {}, error);
  }
}

/**
 * The built worker beside this file. Run from source (tests, tsx) both are TypeScript, and the thread first registers
 * tsx: `--import` among a worker's `execArgv` has no effect on Node 20.
 */
function workerEntry(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./reasoning-worker.js', import.meta.url);
  const tsx = import.meta.resolve('tsx/esm/api');
  const source = new URL('./reasoning-worker.ts', import.meta.url);
  const code = `import { register } from '${tsx}'; register(); await import('${source}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

function outOfMemory(memoryMb: number, cause: unknown): OrchestratorError {
  const message = `The computation needs more memory than memoryMb (${memoryMb} MiB); make it smaller or raise memoryMb.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { reason: 'out of memory', memoryMb },
    { cause, retryable: false },
  );
}

/** Not retryable: the same computation would take as long again. */
function outOfTime(timeLimitSeconds: number): OrchestratorError {
  const message = `The computation takes longer than timeLimitSeconds (${timeLimitSeconds} s); make it smaller or raise timeLimitSeconds.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { reason: 'out of time', timeLimitSeconds },
    { retryable: false },
  );
}

function crashed(how: string, facts: Record<string, unknown>, cause: unknown): OrchestratorError {
  const message = `The reasoning worker died (${how}); the next attempt gets a fresh one.`;
  return new OrchestratorError('CRASHED', message, facts, cause === undefined ? {} : { cause });
}
