import type { Work } from './load.js';

/** Something that keeps ten tasks running until all are done. */
export interface Queue {
  /** Submits all texts at once; resolves with what came of each, in their order. */
  run(texts: readonly string[]): Promise<readonly unknown[]>;
}

/** A queue that takes tasks one by one and can hold them back. */
export interface PausableQueue extends Queue {
  submit(text: string): Promise<unknown>;
  pause(): void;
  resume(): void;
}

/** Loads a peer and makes a queue of it that runs ten tasks at once. */
export type OpenQueue<Q extends Queue = Queue> = (work: Work) => Promise<Q>;

/** Most tasks at once, for everybody. */
export const MAX_PARALLEL = 10;

/** Submits one by one and waits for all. */
export function runAll(
  submit: (text: string) => Promise<unknown>,
): (texts: readonly string[]) => Promise<readonly unknown[]> {
  return (texts) => Promise.all(texts.map((text) => submit(text)));
}

/** The same queue under callers who each wait for an answer before they submit again: as many as there are slots. */
export function inLanes(open: OpenQueue<PausableQueue>): OpenQueue {
  return async (work) => {
    const { submit } = await open(work);
    return {
      async run(texts) {
        const answers: unknown[] = [];
        let next = 0;
        const lane = async (): Promise<void> => {
          for (let index = next++; index < texts.length; index = next++) {
            answers[index] = await submit(texts[index] as string);
          }
        };
        await Promise.all(Array.from({ length: MAX_PARALLEL }, lane));
        return answers;
      },
    };
  };
}
