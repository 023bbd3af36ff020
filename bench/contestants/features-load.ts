/** One task of the load with everything on. */
export interface FeatureTask {
  readonly text: string;
  readonly priority: 0 | 1 | 2;
  /** Only of tasks that are cancelled. */
  readonly controller: AbortController | undefined;
}

/** A load, the work on it, and the books that prove that all of it was done. */
export interface FeatureLoad {
  readonly tasks: readonly FeatureTask[];
  /** The work itself: fails once for every tenth task. */
  readonly work: (text: string) => Promise<number>;
  /** Called with each value that came back. */
  readonly completed: (text: string, value: unknown) => void;
  /** Called for each task that came back cancelled. */
  readonly cancelled: () => void;
  /** The listener. */
  readonly heard: () => void;
  /** @throws Error unless every count is right and the priorities held. */
  readonly check: () => void;
}

/** What takes the tasks of a load. Its promises do not reject. */
export interface FeatureQueue {
  submit(task: FeatureTask): Promise<void>;
}

export type OpenFeatures = (load: FeatureLoad) => Promise<FeatureQueue>;

/** Limit of one attempt, in seconds. */
export const TIMEOUT_SECONDS = 60;

/** Further attempts after the first. */
export const MAX_RETRIES = 2;

/** The shortest backoff that a timer keeps, in milliseconds. */
export const BACKOFF_MS = 1;

/** Whether the task fails at its first attempt. None of these is cancelled. */
const failsOnce = (index: number): boolean => index % 10 === 0;

const isCancelled = (index: number): boolean => index % 100 === 55;

/** @param count - Tasks; a multiple of 100. */
export function createLoad(count: number): FeatureLoad {
  const tasks = Array.from({ length: count }, (_, index): FeatureTask => {
    const priority = (index % 3) as FeatureTask['priority'];
    return {
      text: String(index),
      priority,
      controller: isCancelled(index) ? new AbortController() : undefined,
    };
  });
  const attempts = new Uint8Array(count);
  const counts = { attempts: 0, right: 0, cancelled: 0, heard: 0, overtaken: 0 };
  // The first ten start before the others are there.
  let highestWaiting = 2;
  return {
    tasks,
    work: async (text) => {
      const index = Number(text);
      counts.attempts += 1;
      const attempt = (attempts[index] as number) + 1;
      attempts[index] = attempt;
      if (attempt === 1 && counts.attempts > 10) {
        const { priority } = tasks[index] as FeatureTask;
        if (priority > highestWaiting) counts.overtaken += 1;
        else highestWaiting = priority;
      }
      if (attempt === 1 && failsOnce(index)) throw new Error('not at the first attempt');
      return index;
    },
    completed: (text, value) => {
      if (value === Number(text)) counts.right += 1;
    },
    cancelled: () => {
      counts.cancelled += 1;
    },
    heard: () => {
      counts.heard += 1;
    },
    check: () => {
      const cancelled = count / 100;
      const right = count - cancelled;
      const expected = { attempts: right + count / 10, right, cancelled, heard: right, overtaken: 0 };
      if (JSON.stringify(counts) !== JSON.stringify(expected)) {
        throw new Error(`Expected ${JSON.stringify(expected)}; got ${JSON.stringify(counts)}.`);
      }
    },
  };
}
