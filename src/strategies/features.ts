import { BucketNumbers } from './bucket-numbers.js';
import { detached, isUnspaced, MAX_CACHED_WORDS, MAX_WORD_CHARS, stemOf } from './words.js';

/** Each kind of feature has a range of buckets of its own: pieces of words, then stems, then pairs of stems. */
const FIRST_STEM = 2 ** 18;
const FIRST_PAIR = FIRST_STEM + 2 ** 17;

/** Number of buckets that features are hashed into. */
export const BUCKETS = FIRST_PAIR + 2 ** 17;

/** What one word contributes; the first of its buckets is its stem's. */
export interface WordFeatures {
  readonly stemHash: number;
  readonly buckets: readonly number[];
}

/**
 * What a feature counts for beside its rarity: pairs of words tell most, and pieces, of which a word has many, least.
 * Found by cross-validation over labelled tasks, as were the other constants of the index.
 */
export function kindWeight(bucket: number): number {
  if (bucket < FIRST_STEM) return 0.6;
  return bucket < FIRST_PAIR ? 1 : 1.2;
}

const STEM_SEED = 0x811c9dc5;
const PIECE_SEED = 0x2f0b4c47;
const PAIR_SEED = 0x5bd1e995;

const known = new Map<string, WordFeatures>();

/**
 * Features of a word: its stem, and the pieces of 3 and 4 characters of `<word>`, which find misspelled and related
 * words. Words of scripts without spaces are whole clauses, so their pieces of 2 characters count too.
 */
export function featuresOf(word: string): WordFeatures {
  const cached = known.get(word);
  if (cached !== undefined) return cached;
  const stem = stemOf(word);
  const stemHash = hash(stem, 0, stem.length, STEM_SEED);
  // The stem counts twice: a whole word says more than its pieces do.
  const buckets = [stemBucket(stemHash), stemBucket(stemHash)];
  const framed = `<${word}>`;
  for (const size of isUnspaced(word) ? [2, 3, 4] : [3, 4]) {
    for (let start = 0; start + size <= framed.length; start++) {
      buckets.push(mixed(hash(framed, start, start + size, PIECE_SEED)) & (FIRST_STEM - 1));
    }
  }
  const features = { stemHash, buckets };
  if (word.length > MAX_WORD_CHARS) return features;
  if (known.size >= MAX_CACHED_WORDS) known.clear();
  known.set(detached(word), features);
  return features;
}

/** Counts the features of one text at a time. */
export class FeatureCounts {
  readonly #numbers = new BucketNumbers();
  #counts = new Uint16Array(1024);

  /** Number of distinct features of the text. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The distinct buckets of the text in order of first occurrence: the first `size` elements. */
  get touched(): Int32Array {
    return this.#numbers.buckets;
  }

  /** Times that each of `touched` occurs: the first `size` elements. */
  get counts(): Uint16Array {
    return this.#counts;
  }

  /** Times a feature occurs in the text. */
  of(bucket: number): number {
    const number = this.#numbers.numberOf(bucket);
    return number < 0 ? 0 : (this.#counts[number] as number);
  }

  /** Replaces what was counted by the features of these words: each word's own, and each pair of neighbouring stems. */
  read(words: readonly string[]): void {
    this.#numbers.clear();
    let previous = 0;
    for (let i = 0; i < words.length; i++) {
      const { stemHash, buckets } = featuresOf(words[i] as string);
      for (let k = 0; k < buckets.length; k++) this.#add(buckets[k] as number);
      if (i > 0) this.#add(pairBucket(previous, stemHash));
      previous = stemHash;
    }
  }

  #add(bucket: number): void {
    const known = this.#numbers.size;
    const number = this.#numbers.add(bucket);
    if (number === known) this.#begin(number);
    // Saturates, so that no flood of one word wraps round to "unseen".
    else if ((this.#counts[number] as number) < 0xffff)
      this.#counts[number] = (this.#counts[number] as number) + 1;
  }

  #begin(number: number): void {
    if (number === this.#counts.length) {
      const larger = new Uint16Array(2 * number);
      larger.set(this.#counts);
      this.#counts = larger;
    }
    this.#counts[number] = 1;
  }
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string, start: number, end: number, seed: number): number {
  let value = seed;
  for (let i = start; i < end; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}

/** Mixes the high bits down: FNV alone leaves short pieces in neighbouring buckets. */
function mixed(value: number): number {
  let mixing = value ^ (value >>> 15);
  mixing = Math.imul(mixing, 0x2c1b3c6d);
  mixing ^= mixing >>> 12;
  mixing = Math.imul(mixing, 0x297a2d39);
  return mixing ^ (mixing >>> 15);
}

function stemBucket(stemHash: number): number {
  return FIRST_STEM + (mixed(stemHash) & (FIRST_PAIR - FIRST_STEM - 1));
}

function pairBucket(previous: number, stemHash: number): number {
  return FIRST_PAIR + (mixed(Math.imul(previous, PAIR_SEED) ^ stemHash) & (BUCKETS - FIRST_PAIR - 1));
}
