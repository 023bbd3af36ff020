import { misuse } from '../core/errors.js';
import type { EmbedTexts } from '../core/model-ports.js';
import { answerOf } from './call-strategy.js';
import { SharedWork } from './shared-work.js';

/** A batch of single texts that is still open. */
interface Batch {
  readonly texts: string[];
  readonly work: SharedWork<readonly Float32Array[]>;
}

/**
 * Owns: the calls of an `embed` function, batched. Talks to: that function, whatever it answers.
 *
 * - L1: every vector that comes out has length 1 and as many numbers as the first one had.
 * - L2: a vector of another size is a fault, and what was learned of sizes is forgotten: the model was exchanged.
 */
export class Embedder {
  readonly #embed: EmbedTexts;
  readonly #batchSize: number;
  readonly #onOtherSize: () => void;
  #size: number | undefined;
  #open: Batch | undefined;

  /** @param onOtherSize - Told that vectors handed out before do not fit to those that come from now on. */
  constructor(embed: EmbedTexts, batchSize: number, onOtherSize: () => void) {
    this.#embed = embed;
    this.#batchSize = batchSize;
    this.#onOtherSize = onOtherSize;
  }

  /** The vector of one text; texts that are asked for in the same turn go in one call. */
  one(text: string, signal: AbortSignal): Promise<Float32Array> {
    if (this.#open === undefined || this.#open.texts.length >= this.#batchSize)
      this.#open = this.#openBatch();
    const { texts, work } = this.#open;
    const at = texts.push(text) - 1;
    return work.join(signal).then((vectors) => vectors[at] as Float32Array);
  }

  /** Tells the vector of each text, batch by batch: those that came before a fault are there. */
  async each(
    texts: readonly string[],
    signal: AbortSignal,
    onVector: (text: string, vector: Float32Array) => void,
  ): Promise<void> {
    for (let start = 0; start < texts.length; start += this.#batchSize) {
      const batch = texts.slice(start, start + this.#batchSize);
      const vectors = await this.#call(batch, signal);
      batch.forEach((text, at) => {
        onVector(text, vectors[at] as Float32Array);
      });
    }
  }

  #openBatch(): Batch {
    const texts: string[] = [];
    const work = new SharedWork(async (signal) => {
      await Promise.resolve();
      if (this.#open?.texts === texts) this.#open = undefined;
      return this.#call(texts, signal);
    });
    return { texts, work };
  }

  async #call(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const answer = await answerOf(() => this.#embed(texts, signal));
    signal.throwIfAborted();
    if (answer.kind === 'fault') throw answer.cause;
    const vectors = readVectors(answer.value, texts.length);
    const size = vectors[0]?.length;
    if (this.#size !== undefined && size !== this.#size) {
      const message = `embed() answered vectors of ${size} numbers after some of ${this.#size}; the index is built anew.`;
      this.#size = undefined;
      this.#onOtherSize();
      throw misuse(message);
    }
    this.#size = size;
    return vectors;
  }
}

/** @throws TypeError unless the answer is `count` vectors of one size that have a direction. */
function readVectors(answer: unknown, count: number): Float32Array[] {
  if (!Array.isArray(answer))
    throw misuse(`embed() must answer with an array of Float32Array, not ${typeof answer}.`);
  if (answer.length !== count) throw misuse(`embed() answered ${answer.length} vectors for ${count} texts.`);
  const size: unknown = answer[0]?.length;
  return Array.from(answer, (vector: unknown) => {
    if (!(vector instanceof Float32Array))
      throw misuse('embed() answered something that is no Float32Array.');
    if (vector.length === 0 || vector.length !== size) {
      throw misuse(`embed() answered vectors of ${size} and of ${vector.length} numbers for one call.`);
    }
    return toUnit(vector);
  });
}

/** The vector of length 1 in the same direction. @throws TypeError when it has none. */
function toUnit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  if (!(length > 0 && length < Number.POSITIVE_INFINITY)) {
    throw misuse('embed() answered a vector of nothing but zeros, or with NaN or Infinity in it.');
  }
  return vector.map((value) => value / length);
}
