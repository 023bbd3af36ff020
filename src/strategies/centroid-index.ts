import { BUCKETS, FeatureCounts } from './features.js';
import type { ServiceTexts } from './service-texts.js';

/** Features of one text: `buckets[i]` occurs `counts[i]` times. */
interface CountedText {
  readonly buckets: Int32Array;
  readonly counts: Uint16Array;
}

/**
 * Cosine similarity of a text to each service's centroid, over hashed features weighted by TF-IDF.
 *
 * Owns rows of (service, weight) per bucket in three typed arrays, and scratch space for one query at a time.
 * - I1: the row of `bucket` is `[#starts[bucket], #starts[bucket + 1])`, its services ascending.
 * - I2: the norm of a query includes features that no service has, so foreign words lower every cosine.
 */
export class CentroidIndex {
  /** Cosines of the last query times the length prior, by position of the service; 0 to 1. */
  readonly similarities: Float64Array;
  readonly #counts = new FeatureCounts();
  #otherCounts: FeatureCounts | undefined;
  readonly #idf = new Float32Array(BUCKETS);
  readonly #starts = new Uint32Array(BUCKETS + 1);
  readonly #rowServices: Uint32Array;
  readonly #rowWeights: Float32Array;
  readonly #priors: Float64Array;
  #queryNorm = 0;

  constructor(services: readonly ServiceTexts[]) {
    const counted = services.map(({ texts }) => texts.map((words) => this.#countText(words)));
    this.#weighFeatures(counted.flat());
    const centroids = counted.map((texts) => this.#centroidOf(texts));
    for (const { buckets } of centroids) {
      for (const bucket of buckets) this.#starts[bucket + 1] = (this.#starts[bucket + 1] as number) + 1;
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#starts[bucket + 1] = (this.#starts[bucket + 1] as number) + (this.#starts[bucket] as number);
    }
    const entries = this.#starts[BUCKETS] as number;
    this.#rowServices = new Uint32Array(entries);
    this.#rowWeights = new Float32Array(entries);
    this.#fillRows(centroids);
    this.#priors = lengthPriors(services);
    this.similarities = new Float64Array(services.length);
  }

  /** Compares a text with all services; read `similarities` afterwards. */
  query(words: readonly string[]): void {
    const similarities = this.similarities.fill(0);
    const counts = this.#counts;
    counts.read(words);
    const { touched, size } = counts;
    // Local names: fields read in the inner loop would double its time.
    const idf = this.#idf;
    const starts = this.#starts;
    const rowServices = this.#rowServices;
    const rowWeights = this.#rowWeights;
    let squares = 0;
    for (let i = 0; i < size; i++) {
      const bucket = touched[i] as number;
      const weight = termWeight(counts.of(bucket)) * (idf[bucket] as number);
      squares += weight * weight;
      addRow(
        similarities,
        weight,
        rowServices,
        rowWeights,
        starts[bucket] as number,
        starts[bucket + 1] as number,
      );
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
    let low = this.#starts[bucket] as number;
    let high = this.#starts[bucket + 1] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#rowServices[middle] as number) < service) low = middle + 1;
      else high = middle;
    }
    if (low >= (this.#starts[bucket + 1] as number) || this.#rowServices[low] !== service) return 0;
    const weight = termWeight(this.#counts.of(bucket)) * (this.#idf[bucket] as number);
    return (weight * (this.#rowWeights[low] as number) * (this.#priors[service] as number)) / this.#queryNorm;
  }

  /** Cosine of the last query to another text. */
  similarityTo(words: readonly string[]): number {
    this.#otherCounts ??= new FeatureCounts();
    this.#otherCounts.read(words);
    let product = 0;
    let squares = 0;
    for (const bucket of this.#otherCounts.touched.subarray(0, this.#otherCounts.size)) {
      const idf = this.#idf[bucket] as number;
      const weight = termWeight(this.#otherCounts.of(bucket)) * idf;
      squares += weight * weight;
      product += weight * termWeight(this.#counts.of(bucket)) * idf;
    }
    return product === 0 ? 0 : product / (Math.sqrt(squares) * this.#queryNorm);
  }

  #countText(words: readonly string[]): CountedText {
    this.#counts.read(words);
    const buckets = this.#counts.touched.slice(0, this.#counts.size);
    return { buckets, counts: Uint16Array.from(buckets, (bucket) => this.#counts.of(bucket)) };
  }

  #weighFeatures(texts: readonly CountedText[]): void {
    const documents = new Uint32Array(BUCKETS);
    for (const { buckets } of texts) {
      for (const bucket of buckets) documents[bucket] = (documents[bucket] as number) + 1;
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#idf[bucket] = Math.log((1 + texts.length) / (1 + (documents[bucket] as number))) + 1;
    }
  }

  /** The sum of the normalised texts, normalised. */
  #centroidOf(texts: readonly CountedText[]): { buckets: number[]; weights: number[] } {
    const sums = new Map<number, number>();
    for (const { buckets, counts } of texts) {
      const weights = Float64Array.from(
        buckets,
        (bucket, i) => termWeight(counts[i] as number) * (this.#idf[bucket] as number),
      );
      const norm = Math.sqrt(weights.reduce((total, weight) => total + weight * weight, 0));
      buckets.forEach((bucket, i) => {
        sums.set(bucket, (sums.get(bucket) ?? 0) + (weights[i] as number) / norm);
      });
    }
    const norm = Math.sqrt([...sums.values()].reduce((total, sum) => total + sum * sum, 0));
    return { buckets: [...sums.keys()], weights: [...sums.values()].map((sum) => sum / norm) };
  }

  #fillRows(centroids: readonly { buckets: number[]; weights: number[] }[]): void {
    const next = this.#starts.slice();
    centroids.forEach(({ buckets, weights }, service) => {
      buckets.forEach((bucket, i) => {
        const entry = next[bucket] as number;
        next[bucket] = entry + 1;
        this.#rowServices[entry] = service;
        this.#rowWeights[entry] = weights[i] as number;
      });
    });
  }
}

/** `similarities[service] += weight × its row weight`; four at a time, as the loop is nearly all of a query's time. */
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

const LOGARITHMS = Float64Array.from({ length: 64 }, (_, count) => (count === 0 ? 0 : 1 + Math.log(count)));

/** `1 + ln count`, 0 for 0: a word that occurs twice says more, but not twice as much. */
function termWeight(count: number): number {
  return count < LOGARITHMS.length ? (LOGARITHMS[count] as number) : 1 + Math.log(count);
}

/**
 * Lowers the similarity of services that say far more than the others, so that none wins by saying everything.
 * Compares each service's mean words per text with twice the median.
 */
function lengthPriors(services: readonly ServiceTexts[]): Float64Array {
  const lengths = services.map(({ texts }) =>
    texts.length === 0 ? 0 : texts.reduce((sum, words) => sum + words.length, 0) / texts.length,
  );
  const sorted = [...lengths].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? 0;
  return Float64Array.from(lengths, (length) =>
    length === 0 ? 1 : Math.min(1, ((2 * median) / length) ** 0.25),
  );
}
