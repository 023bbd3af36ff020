import { silentLog } from '../../core/environment.js';
import { OrchestratorError } from '../../core/errors.js';
import { childEnvironment } from '../child-environment.js';
import { threadEntry } from '../isolation/entry-file.js';
import type { Isolate } from '../isolation/isolate.js';
import { IsolatePool } from '../isolation/isolate-pool.js';
import { startThread } from '../isolation/thread-isolate.js';
import type { ReasoningAnswer, ReasoningJob } from './reasoning-answer.js';

export interface ReasoningPoolOptions {
  /** Most heap of a worker, in MiB. */
  readonly memoryMb: number;
  /** Most time for one job, loading of libraries included. */
  readonly timeLimitSeconds: number;
  /** Limit of one check of the solver, in seconds; what is not decided by then is `unknown`. */
  readonly solverSeconds: number;
}

const WHAT = 'reasoning worker';
const OUT_OF_MEMORY = 'out of memory';

/** The worker threads of one reasoning service, each with a limit of time and memory. A job given up ends its thread. */
export class ReasoningPool {
  readonly #options: ReasoningPoolOptions;
  readonly #pool: IsolatePool<ReasoningJob>;

  constructor(options: ReasoningPoolOptions) {
    this.#options = options;
    this.#pool = new IsolatePool({
      start: () => startWorker(options),
      what: WHAT,
      now: () => performance.now(),
      // A computation too large says nothing about the next one.
      isCrash: (reason) => !isOutOfMemory(reason),
    });
  }

  /**
   * Runs one job, in a waiting worker or in a fresh one.
   *
   * @throws The signal's reason when it is aborted; `SERVICE_FAILED` (not retryable) when memory or time run out;
   * `CRASHED` when the thread dies; `SHUTTING_DOWN` on close(); else what the job threw.
   */
  async run(job: ReasoningJob, signal: AbortSignal): Promise<ReasoningAnswer> {
    const { timeLimitSeconds, memoryMb } = this.#options;
    const giveUp = new AbortController();
    const onAbort = (): void => giveUp.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => giveUp.abort(outOfTime(timeLimitSeconds)), timeLimitSeconds * 1000);
    try {
      const hooks = { signal: giveUp.signal, progress: () => {}, log: silentLog };
      return (await this.#pool.run(job, hooks)) as ReasoningAnswer;
    } catch (error) {
      throw isOutOfMemory(error) ? outOfMemory(memoryMb, error) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends every worker and what runs in it; a later job starts a fresh one. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}

function startWorker({ memoryMb, solverSeconds }: ReasoningPoolOptions): Isolate {
  return startThread({
    entry: threadEntry(new URL('./reasoning-worker.js', import.meta.url)),
    workerData: { checkTimeoutMs: Math.ceil(solverSeconds * 1000) },
    env: childEnvironment({}),
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    what: WHAT,
    // A computation never looks at a signal.
    abortGraceMs: 0,
    isSilent: true,
  });
}

function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof OrchestratorError && error.code === 'CRASHED' && error.facts.reason === OUT_OF_MEMORY
  );
}

function outOfMemory(memoryMb: number, cause: unknown): OrchestratorError {
  const message = `The computation needs more memory than memoryMb (${memoryMb} MiB); make it smaller or raise memoryMb.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { reason: OUT_OF_MEMORY, memoryMb },
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
