import { stemmer } from 'stemmer';

/** Routing reads this many characters of a text, so that its time is bounded whatever comes in. */
const MAX_TEXT_CHARS = 8192;

/** Words longer than this are not stemmed and not cached. */
export const MAX_WORD_CHARS = 64;

/** Most words a cache of this folder holds; a full one starts afresh. */
export const MAX_CACHED_WORDS = 16_384;

/** A text in normalised form, and its words with their offsets in that form. */
export interface Words {
  readonly text: string;
  readonly words: readonly string[];
  readonly offsets: readonly number[];
}

const NOT_ASCII = /[\u0080-\uffff]/;
/** A word and, outside the group, the tail after its apostrophe; `_`, `-` and `.` part words. */
const WORD = /([\p{L}\p{N}\p{M}]+)(?:['’]\p{L}+)?/gu;
/** The same for lower-case ASCII, in a third of the time. */
const ASCII_WORD = /([a-z0-9]+)(?:'[a-z]+)?/g;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * Cuts a text to {@link MAX_TEXT_CHARS}, folds compatibility forms (full width, ligatures) and lowers its case. Offsets
 * in the answer can differ from the original's: `İ` becomes two characters.
 */
export function normalise(text: string): string {
  const head = text.length > MAX_TEXT_CHARS ? text.slice(0, MAX_TEXT_CHARS) : text;
  return NOT_ASCII.test(head) ? head.normalize('NFKC').toLowerCase() : head.toLowerCase();
}

/** Normalises a text and splits it: `Picture's in invoice_2024.PDF` has picture, in, invoice, 2024 and pdf. */
export function readWords(text: string): Words {
  const normal = normalise(text);
  const words: string[] = [];
  const offsets: number[] = [];
  const pattern = NOT_ASCII.test(normal) ? WORD : ASCII_WORD;
  pattern.lastIndex = 0;
  // `exec` rather than `matchAll`, whose iterator costs as much as the matching.
  for (let match = pattern.exec(normal); match !== null; match = pattern.exec(normal)) {
    words.push(match[1] as string);
    offsets.push(match.index);
  }
  return { text: normal, words, offsets };
}

/** Whether a normalised text has characters of a script that is written without spaces between words. */
export function isUnspaced(normal: string): boolean {
  return NOT_ASCII.test(normal) && UNSPACED.test(normal);
}

const stems = new Map<string, string>();

/** The Porter stem of a lower-case ASCII word; any other word is its own stem. Pure; remembers what it has seen. */
export function stemOf(word: string): string {
  const known = stems.get(word);
  if (known !== undefined) return known;
  if (word.length > MAX_WORD_CHARS) return word;
  // Porter keeps the British analys(e) apart from analyz(e).
  const stem = /^[a-z]+$/.test(word) ? stemmer(word.replace(/lys(e|ed|es|er|ers|ing)$/, 'lyz$1')) : word;
  if (stems.size >= MAX_CACHED_WORDS) stems.clear();
  stems.set(detached(word), detached(stem));
  return stem;
}

/** A copy for keeping: V8 cuts words out of a text as views, and a view keeps the whole text alive. */
export function detached(word: string): string {
  return word.split('').join('');
}
