/** A question to a language model whose answer is to be JSON. */
export interface ModelQuestion {
  /** What the model is to do; written by gaffr. */
  readonly instructions: string;
  /** What it is to do that with, as JSON. Parts of it may come from anybody. */
  readonly text: string;
  /** JSON schema of the answer, an object without optional properties. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/**
 * Asks a language model and resolves with the text of its answer; rejects when there is none. Ends promptly when the signal
 * fires, and does not try again by itself.
 */
export type AskModel = (question: ModelQuestion, signal: AbortSignal) => Promise<string>;

/**
 * Turns each text into a vector of its meaning, all of one length, in the order of the texts; rejects when it cannot. Ends
 * promptly when the signal fires, and does not try again by itself.
 */
export type EmbedTexts = (texts: readonly string[], signal: AbortSignal) => Promise<readonly Float32Array[]>;
