import type { RouteReason } from '../core/route.js';
import { featuresOf } from './features.js';
import { isFunctionWord } from './function-words.js';
import { insertInOrder } from './top-list.js';
import { readWords } from './words.js';

/** Most terms that explain one candidate. */
const MAX_TERMS = 3;

/** Words of a long task that are looked at for an explanation. */
const MAX_TELLING_WORDS = 64;

/** Longest example in a reason, in characters. */
const MAX_EXAMPLE_CHARS = 120;

type TermReason = Extract<RouteReason, { kind: 'term' }>;

/** A word of a task that can tell why: not a function word, each once. */
export interface TellingWord {
  readonly word: string;
  /** Bucket of its stem. */
  readonly bucket: number;
}

/** The first distinct words of a task that are no function words, at most {@link MAX_TELLING_WORDS}. */
export function tellingWords(words: readonly string[]): readonly TellingWord[] {
  const telling: TellingWord[] = [];
  for (const word of words) {
    if (isFunctionWord(word) || telling.some((other) => other.word === word)) continue;
    telling.push({ word, bucket: featuresOf(word).buckets[0] as number });
    if (telling.length === MAX_TELLING_WORDS) break;
  }
  return telling;
}

/**
 * The words that say most for a service, best first; `weight` is their part of the similarity.
 *
 * @param contributionOf - What a feature of the task adds to the similarity.
 */
export function tellingTerms(
  words: readonly TellingWord[],
  contributionOf: (bucket: number) => number,
): readonly RouteReason[] {
  const best: TermReason[] = [];
  for (const { word, bucket } of words) {
    const weight = contributionOf(bucket);
    if (weight > 0) insertInOrder(best, { kind: 'term', term: word, weight }, MAX_TERMS, isHeavier);
  }
  return best;
}

function isHeavier(a: TermReason, b: TermReason): boolean {
  return a.weight > b.weight;
}

/**
 * The example that is most like a task, for one that shares only pieces of words with its service; none when no example
 * is like it at all.
 */
export function nearestExample(
  examples: readonly string[],
  similarityTo: (words: readonly string[]) => number,
): readonly RouteReason[] {
  let nearest: { text: string; similarity: number } = { text: '', similarity: 0 };
  for (const text of examples) {
    const similarity = similarityTo(readWords(text).words);
    if (similarity > nearest.similarity) nearest = { text, similarity };
  }
  if (nearest.similarity === 0) return [];
  return [
    {
      kind: 'example',
      text: nearest.text.slice(0, MAX_EXAMPLE_CHARS),
      similarity: Math.min(1, nearest.similarity),
    },
  ];
}
