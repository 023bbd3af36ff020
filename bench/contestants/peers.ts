/** What users would pick instead, each in the way its documentation shows first. */
import type { Work } from './load.js';
import { MAX_PARALLEL, type OpenQueue, type PausableQueue, type Queue, runAll } from './queue.js';

export const openPQueue: OpenQueue<PausableQueue> = async (work) => {
  const { default: PQueue } = await import('p-queue');
  const queue = new PQueue({ concurrency: MAX_PARALLEL });
  const submit = (text: string) => queue.add(() => work(text));
  return { submit, run: runAll(submit), pause: () => queue.pause(), resume: () => void queue.start() };
};

export const openFastq: OpenQueue<PausableQueue> = async (work) => {
  const { default: fastq } = await import('fastq');
  const queue = fastq.promise<unknown, string, number>(work, MAX_PARALLEL);
  const submit = (text: string) => queue.push(text);
  return { submit, run: runAll(submit), pause: () => queue.pause(), resume: () => queue.resume() };
};

export const openPLimit: OpenQueue = async (work) => {
  const { default: pLimit } = await import('p-limit');
  const limit = pLimit(MAX_PARALLEL);
  return { run: runAll((text) => limit(work, text)) };
};

export const openAsyncQueue: OpenQueue = async (work) => {
  const { asyncify, queue: createQueue } = await import('async');
  // async wants a callback from functions that are not declared async.
  const queue = createQueue(asyncify(work), MAX_PARALLEL);
  return { run: runAll((text) => queue.pushAsync(text)) };
};

/** `forEach` knows all tasks beforehand and makes no promise per task: less than a queue does. */
export const openEffect: OpenQueue = async (work) => {
  const { Effect } = await import('effect');
  return {
    run: (texts) =>
      Effect.runPromise(
        Effect.forEach(texts, (text) => Effect.promise(() => work(text)), { concurrency: MAX_PARALLEL }),
      ),
  };
};

export const openBottleneck: OpenQueue = async (work) => {
  const { default: Bottleneck } = await import('bottleneck');
  const limiter = new Bottleneck({ maxConcurrent: MAX_PARALLEL });
  return { run: runAll((text) => limiter.schedule(work, text)) };
};

/** The floor: an array, ten loops and a promise per task, with no feature at all. */
export const openHandLoop: OpenQueue = async (work) => ({ run: (texts) => runByHand(work, texts) });

async function runByHand(work: Work, texts: readonly string[]): ReturnType<Queue['run']> {
  const waiting: { text: string; resolve: (value: number) => void }[] = [];
  const answers = texts.map(
    (text) =>
      new Promise<number>((resolve) => {
        waiting.push({ text, resolve });
      }),
  );
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < waiting.length) {
      const { text, resolve } = waiting[next++] as (typeof waiting)[number];
      resolve(await work(text));
    }
  };
  for (let count = 0; count < MAX_PARALLEL; count += 1) void loop();
  return Promise.all(answers);
}
