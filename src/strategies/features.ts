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

/**
 * Counts the features of one text at a time.
 *
 * I1: `#counts` is zero but for the first `size` buckets of `touched`, so clearing costs what the text was long.
 */
export class FeatureCounts {
  readonly #counts = new Uint16Array(BUCKETS);
  #touched = new Int32Array(1024);
  #size = 0;

  /** Number of distinct features of the text. */
  get size(): number {
    return this.#size;
  }

  /** The distinct buckets of the text in order of first occurrence: the first `size` elements. */
  get touched(): Int32Array {
    return this.#touched;
  }

  /** Times a feature occurs in the text. */
  of(bucket: number): number {
    return this.#counts[bucket] as number;
  }

  /** Replaces what was counted by the features of these words: each word's own, and each pair of neighbouring stems. */
  read(words: readonly string[]): void {
    for (let i = 0; i < this.#size; i++) this.#counts[this.#touched[i] as number] = 0;
    this.#size = 0;
    let previous = 0;
    for (let i = 0; i < words.length; i++) {
      const { stemHash, buckets } = featuresOf(words[i] as string);
      this.#reserve(buckets.length + 1);
      for (let k = 0; k < buckets.length; k++) this.#add(buckets[k] as number);
      if (i > 0) this.#add(pairBucket(previous, stemHash));
      previous = stemHash;
    }
  }

  #add(bucket: number): void {
    const count = this.#counts[bucket] as number;
    if (count === 0) this.#touched[this.#size++] = bucket;
    // Saturates, so that no flood of one word wraps round to "unseen".
    if (count < 0xffff) this.#counts[bucket] = count + 1;
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#touched.length) return;
    const larger = new Int32Array(2 * (this.#size + more));
    larger.set(this.#touched);
    this.#touched = larger;
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
