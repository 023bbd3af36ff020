import type { RouteReason } from '../core/route.js';
import { BucketNumbers } from './bucket-numbers.js';
import { tellingTerms, tellingWords } from './capability-reasons.js';
import { termWeight } from './feature-table.js';
import { FeatureCounts, kindWeight } from './features.js';
import { perfectScore } from './softmax-training.js';

/** All that a trained model is: plain and typed arrays, so that it goes through threads and files. */
export interface LearnedWeights {
  /** Names of the services, 2 or more. */
  readonly services: readonly string[];
  /** Rarity of a feature that was in no example, above 0. */
  readonly unseenRarity: number;
  /** Features by row, each once. */
  readonly buckets: Int32Array;
  /** What the feature of each row counts for in a text, above 0. */
  readonly featureWeights: Float32Array;
  /** Unit of the weights of each row, 0 or more. */
  readonly scales: Float32Array;
  /** `weights[row * services.length + service]`, in units of the row. */
  readonly weights: Int8Array;
}

/**
 * Scores of a text for each service, by softmax regression over hashed features.
 *
 * Owns: the numbers of the buckets that have a row, which are the rows, and scratch space for one text at a time.
 */
export class LearnedModel {
  readonly weights: LearnedWeights;
  /** Scores of the last text by service: 0 is the mean of all services, 1 what a perfectly learned example reaches. */
  readonly scores: Float64Array;
  readonly #rows = new BucketNumbers();
  readonly #counts = new FeatureCounts();
  readonly #unit: number;
  #norm = 0;

  constructor(weights: LearnedWeights) {
    this.weights = weights;
    this.scores = new Float64Array(weights.services.length);
    this.#unit = perfectScore(weights.services.length);
    for (const bucket of weights.buckets) this.#rows.add(bucket);
  }

  /** Scores a text; read `scores` afterwards. */
  score(words: readonly string[]): void {
    const scores = this.scores.fill(0);
    const counts = this.#counts;
    counts.read(words);
    let squares = 0;
    for (let i = 0; i < counts.size; i++) {
      const bucket = counts.touched[i] as number;
      const row = this.#rows.numberOf(bucket);
      const value = termWeight(counts.counts[i] as number) * this.#featureWeight(bucket, row);
      squares += value * value;
      if (row >= 0)
        addWeights(scores, value * (this.weights.scales[row] as number), this.weights.weights, row);
    }
    this.#norm = Math.sqrt(squares) * this.#unit;
    if (squares === 0) return;
    for (let k = 0; k < scores.length; k++) scores[k] = (scores[k] as number) / this.#norm;
  }

  /** The words of the last text that say most for a service, best first. */
  reasonsFor(service: number, words: readonly string[]): readonly RouteReason[] {
    return tellingTerms(tellingWords(words), (bucket) => {
      const row = this.#rows.numberOf(bucket);
      if (row < 0) return 0;
      const { scales, weights, services } = this.weights;
      const value = termWeight(this.#counts.of(bucket)) * this.#featureWeight(bucket, row);
      return (
        (value * (scales[row] as number) * (weights[row * services.length + service] as number)) / this.#norm
      );
    });
  }

  #featureWeight(bucket: number, row: number): number {
    return row < 0
      ? this.weights.unseenRarity * kindWeight(bucket)
      : (this.weights.featureWeights[row] as number);
  }
}

/** `scores[k] += value × weights of the row`: nearly all of the time, so with local names only. */
function addWeights(scores: Float64Array, value: number, weights: Int8Array, row: number): void {
  const start = row * scores.length;
  for (let k = 0; k < scores.length; k++) {
    scores[k] = (scores[k] as number) + value * (weights[start + k] as number);
  }
}
