/** What a service or a queue is asked to do with one text. */
export type Work = (text: string) => Promise<number>;

/** Done in the microtask after the call: completions come in bunches. */
export const inMicrotask: Work = async (text) => text.length;

/** Done in a macrotask of its own: each completion comes alone. */
export const inMacrotask: Work = (text) => new Promise((resolve) => setImmediate(resolve, text.length));

/** Texts of different lengths, so that an answer which goes to the wrong caller is seen. */
export function textsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `task ${index}`);
}

/** @throws Error unless each text has its own length for an answer. */
export function checkLengths(texts: readonly string[], values: readonly unknown[]): void {
  if (values.length !== texts.length) {
    throw new Error(`${values.length} answers to ${texts.length} tasks.`);
  }
  for (const [index, text] of texts.entries()) {
    if (values[index] !== text.length) {
      throw new Error(`"${text}" should have ${text.length} for an answer; got ${String(values[index])}.`);
    }
  }
}
