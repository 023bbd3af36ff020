import type { CountedService, CountedText } from './counted-profiles.js';
import { FeatureTable, termWeight } from './feature-table.js';
import { FeatureCounts } from './features.js';

/**
 * Power of a sum of several texts' weights: a feature that half the texts share tells more than half of what one that
 * all share tells.
 */
const SHARED_POWER = 0.85;

/** Mean cosine of two texts that even a service of many different tasks has; copied ones have a third of it. */
const USUAL_COHESION = 0.06;

/** The weights of one service by row of the table. */
interface Centroid {
  readonly rows: Int32Array;
  readonly weights: Float64Array;
}

/**
 * Cosine similarity of a text to each service's centroid, over hashed features weighted by TF-IDF.
 *
 * Owns entries (service, weight) per feature in three typed arrays, and scratch space for one query at a time.
 * - L1: the entries of row r of the table are `[#starts[r], #starts[r + 1])`, their services ascending.
 * - L2: the norm of a query includes features that no service has, so foreign words lower every cosine.
 */
export class CentroidIndex {
  /** Cosines of the last query times the length prior, by position of the service; 0 to 1. */
  similarities = new Float64Array();
  readonly #table = new FeatureTable();
  readonly #counts: FeatureCounts;
  #otherCounts: FeatureCounts | undefined;
  #starts = new Uint32Array(1);
  #entryServices = new Uint32Array();
  #entryWeights = new Float32Array();
  #priors = new Float64Array();
  #queryNorm = 0;

  /** @param counts - Scratch space of the query, overwritten by each. */
  constructor(counts: FeatureCounts) {
    this.#counts = counts;
  }

  /** Takes these services in place of those it has. Their texts are counted already; this weighs the counts. */
  fill(services: readonly CountedService[]): void {
    this.#table.fill(services);
    const centroids = centroidsOf(services, this.#table);
    this.#starts = startsOf(centroids, this.#table.size);
    const entries = this.#starts[this.#table.size] as number;
    this.#entryServices = new Uint32Array(entries);
    this.#entryWeights = new Float32Array(entries);
    this.#fillEntries(centroids);
    this.#priors = lengthPriors(services);
    this.similarities = new Float64Array(services.length);
  }

  /** Compares a text with all services; read `similarities` afterwards. */
  query(words: readonly string[]): void {
    const similarities = this.similarities.fill(0);
    const counts = this.#counts;
    counts.read(words);
    const { touched, counts: times, size } = counts;
    // Local names: fields read in the inner loop would double its time.
    const table = this.#table;
    const starts = this.#starts;
    const entryServices = this.#entryServices;
    const entryWeights = this.#entryWeights;
    let squares = 0;
    for (let i = 0; i < size; i++) {
      const bucket = touched[i] as number;
      const row = table.rowOf(bucket);
      const weight = termWeight(times[i] as number) * table.weightAt(row, bucket);
      squares += weight * weight;
      if (row < 0) continue;
      const start = starts[row] as number;
      addRow(similarities, weight, entryServices, entryWeights, start, starts[row + 1] as number);
    }
    const norm = Math.sqrt(squares);
    this.#queryNorm = norm;
    if (norm === 0) return;
    const priors = this.#priors;
    for (let service = 0; service < similarities.length; service++) {
      similarities[service] = ((similarities[service] as number) * (priors[service] as number)) / norm;
    }
  }

  /** What one feature adds to the similarity of the last query to a service. */
  contribution(bucket: number, service: number): number {
    const row = this.#table.rowOf(bucket);
    if (row < 0) return 0;
    const end = this.#starts[row + 1] as number;
    let low = this.#starts[row] as number;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entryServices[middle] as number) < service) low = middle + 1;
      else high = middle;
    }
    if (low >= end || this.#entryServices[low] !== service) return 0;
    const weight = termWeight(this.#counts.of(bucket)) * this.#table.weightOf(bucket);
    return (
      (weight * (this.#entryWeights[low] as number) * (this.#priors[service] as number)) / this.#queryNorm
    );
  }

  /** Cosine of the last query to another text. */
  similarityTo(words: readonly string[]): number {
    this.#otherCounts ??= new FeatureCounts();
    this.#otherCounts.read(words);
    let product = 0;
    let squares = 0;
    for (const bucket of this.#otherCounts.touched.subarray(0, this.#otherCounts.size)) {
      const rarity = this.#table.weightOf(bucket);
      const weight = termWeight(this.#otherCounts.of(bucket)) * rarity;
      squares += weight * weight;
      product += weight * termWeight(this.#counts.of(bucket)) * rarity;
    }
    return product === 0 ? 0 : product / (Math.sqrt(squares) * this.#queryNorm);
  }

  #fillEntries(centroids: readonly Centroid[]): void {
    const next = this.#starts.slice();
    centroids.forEach(({ rows, weights }, service) => {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as number;
        const entry = next[row] as number;
        next[row] = entry + 1;
        this.#entryServices[entry] = service;
        this.#entryWeights[entry] = weights[i] as number;
      }
    });
  }
}

/** Where the entries of each row start; one more than there are rows. */
function startsOf(centroids: readonly Centroid[], rowCount: number): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(rowCount + 1);
  for (const { rows } of centroids) {
    for (const row of rows) starts[row + 1] = (starts[row + 1] as number) + 1;
  }
  for (let row = 0; row < rowCount; row++) {
    starts[row + 1] = (starts[row + 1] as number) + (starts[row] as number);
  }
  return starts;
}

/** Of each service the sum of its normalised texts, damped and normalised; shorter where it is not believed. */
function centroidsOf(services: readonly CountedService[], table: FeatureTable): Centroid[] {
  const sums = new Float64Array(table.size);
  return services.map(({ texts, isTrusted }) => {
    const touched: number[] = [];
    for (const text of texts) addText(sums, touched, text, table);
    const rows = Int32Array.from(touched);
    const sum = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      sum[i] = sums[rows[i] as number] as number;
      sums[rows[i] as number] = 0;
    }
    const belief = isTrusted || texts.length < 2 ? 1 : beliefIn(squaresOf(sum), texts.length);
    const weights = texts.length < 2 ? sum : sum.map((weight) => weight ** SHARED_POWER);
    const scale = belief / Math.sqrt(squaresOf(weights));
    return { rows, weights: weights.map((weight) => weight * scale) };
  });
}

/** Adds a text, normalised, to `sums`, and the rows that are not in there yet to `touched`. */
function addText(
  sums: Float64Array,
  touched: number[],
  { buckets, counts }: CountedText,
  table: FeatureTable,
): void {
  const weights = new Float64Array(buckets.length);
  for (let i = 0; i < buckets.length; i++) {
    weights[i] = termWeight(counts[i] as number) * table.weightOf(buckets[i] as number);
  }
  const norm = Math.sqrt(squaresOf(weights));
  for (let i = 0; i < buckets.length; i++) {
    const row = table.rowOf(buckets[i] as number);
    if (sums[row] === 0) touched.push(row);
    sums[row] = (sums[row] as number) + (weights[i] as number) / norm;
  }
}

/**
 * How far the texts of a service that is not trusted are believed to be of one service, 0 to 1: texts copied from
 * many services have next to nothing in common, and the normalised sum of them would still be near all of those.
 *
 * @param squares - Squared norm of the sum of the normalised texts, from which follows the mean cosine of two of them.
 */
function beliefIn(squares: number, texts: number): number {
  const cohesion = (squares / texts - 1) / (texts - 1);
  return Math.sqrt(Math.min(1, Math.max(0, cohesion) / USUAL_COHESION));
}

function squaresOf(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return squares;
}

/** `similarities[service] += weight × its weight`; four at a time, as the loop is nearly all of a query's time. */
function addRow(
  similarities: Float64Array,
  weight: number,
  services: Uint32Array,
  weights: Float32Array,
  start: number,
  end: number,
): void {
  let entry = start;
  for (; entry + 3 < end; entry += 4) {
    const a = services[entry] as number;
    const b = services[entry + 1] as number;
    const c = services[entry + 2] as number;
    const d = services[entry + 3] as number;
    const weightA = weights[entry] as number;
    const weightB = weights[entry + 1] as number;
    const weightC = weights[entry + 2] as number;
    const weightD = weights[entry + 3] as number;
    similarities[a] = (similarities[a] as number) + weight * weightA;
    similarities[b] = (similarities[b] as number) + weight * weightB;
    similarities[c] = (similarities[c] as number) + weight * weightC;
    similarities[d] = (similarities[d] as number) + weight * weightD;
  }
  for (; entry < end; entry++) {
    const service = services[entry] as number;
    similarities[service] = (similarities[service] as number) + weight * (weights[entry] as number);
  }
}

/**
 * Lowers the similarity of services that say far more than the others, so that none wins by saying everything.
 * Compares each service's mean words per text with twice the median of the trusted ones: a server could bring hundreds
 * of long ones.
 */
function lengthPriors(services: readonly CountedService[]): Float64Array<ArrayBuffer> {
  const trusted = services.filter(({ isTrusted }) => isTrusted);
  const lengths = (trusted.length > 0 ? trusted : services).map(({ meanWords }) => meanWords);
  const sorted = lengths.sort((a, b) => a - b);
  const median = Math.max(1, sorted[sorted.length >> 1] ?? 0);
  return Float64Array.from(services, ({ meanWords }) =>
    meanWords === 0 ? 1 : Math.min(1, ((2 * median) / meanWords) ** 0.25),
  );
}
