import { KeywordTrie, type TrieNode } from './keyword-trie.js';
import { isUnspaced, readWords, type Words } from './words.js';

/** Longest keyword, in characters. */
export const MAX_KEYWORD_CHARS = 256;

/** Greatest weight of a keyword. */
export const MAX_KEYWORD_WEIGHT = 1000;

/** A keyword of a service as it was written; `weight` is 0 to {@link MAX_KEYWORD_WEIGHT}, 0 for "does not count". */
export type Keyword = string | { readonly text: string; readonly weight?: number };

/** A keyword of one service. Keywords of a service with the same stems are one, found exactly by each of its forms. */
export interface KeywordEntry {
  /** Position of the service in {@link KeywordIndex.services}. */
  readonly service: number;
  readonly keyword: string;
  readonly words: number;
  weight: number;
  readonly forms: string[];
}

/** A keyword in a text: where it first stands in each form that occurs. */
export interface KeywordHit {
  readonly entries: readonly KeywordEntry[];
  readonly forms: ReadonlyMap<string, number>;
}

/** All keywords of all services, ready to be found in a text in one pass. */
export class KeywordIndex {
  readonly services: readonly string[];
  readonly #phrases = new KeywordTrie<KeywordEntry>();
  readonly #substrings = new KeywordTrie<KeywordEntry>();
  readonly #stem: (word: string) => string;

  constructor(keywords: ReadonlyMap<string, readonly Keyword[]>, stem: (word: string) => string) {
    this.services = [...keywords.keys()];
    this.#stem = stem;
    this.services.forEach((name, service) => {
      for (const keyword of keywords.get(name) ?? []) this.#add(service, keyword);
    });
  }

  /**
   * Finds the keywords of a text, each once, in order of first occurrence.
   *
   * @param isAvailable - Whether a service takes part: the phrases of others leave their words to the rest.
   */
  find({ text, words, offsets }: Words, isAvailable: (service: number) => boolean): Iterable<KeywordHit> {
    const hits = new Map<TrieNode<KeywordEntry>, { entries: KeywordEntry[]; forms: Map<string, number> }>();
    const note = (node: TrieNode<KeywordEntry>, form: string, at: number) => {
      const hit = hits.get(node);
      if (hit === undefined) hits.set(node, { entries: node.entries, forms: new Map([[form, at]]) });
      else if (!hit.forms.has(form)) hit.forms.set(form, at);
    };
    const isWanted = (node: TrieNode<KeywordEntry>) =>
      node.entries.some(({ service }) => isAvailable(service));
    if (!this.#phrases.isEmpty) {
      for (const { node, positions } of this.#phrases.findPhrases(words.map(this.#stem), isWanted)) {
        const [first] = positions as [number];
        const form = positions.length === 1 ? words[first] : positions.map((at) => words[at]).join(' ');
        note(node, form as string, offsets[first] as number);
      }
    }
    if (!this.#substrings.isEmpty && isUnspaced(text)) {
      this.#substrings.findSubstrings(text, (node, at) => note(node, text.slice(at, at + node.depth), at));
    }
    return hits.values();
  }

  #add(service: number, keyword: Keyword): void {
    const read = readKeyword(keyword);
    if (read === undefined) return;
    const { keyword: written, weight, text, words } = read;
    const isSubstring = isUnspaced(text);
    const node = isSubstring
      ? this.#substrings.nodeOf(text.split(''))
      : this.#phrases.nodeOf(words.map(this.#stem));
    const form = isSubstring ? text : words.join(' ');
    // Services are added one after another, so an entry of this service can only be the last one.
    const last = node.entries.at(-1);
    if (last?.service === service) {
      last.weight = weight;
      last.forms.push(form);
    } else {
      node.entries.push({ service, keyword: written, words: words.length, weight, forms: [form] });
    }
  }
}

/** Checks a keyword and splits it; undefined for one that can never be found or has no valid weight. */
export function readKeyword(
  keyword: Keyword,
): { keyword: string; weight: number; text: string; words: readonly string[] } | undefined {
  // Profiles come from users: an entry may be anything.
  const given: Partial<Exclude<Keyword, string>> | null =
    typeof keyword === 'string' ? { text: keyword } : keyword;
  const { text: written, weight = 1 } = given ?? {};
  if (typeof written !== 'string' || written.length > MAX_KEYWORD_CHARS) return undefined;
  if (!(weight >= 0 && weight <= MAX_KEYWORD_WEIGHT)) return undefined;
  const { text, words } = readWords(written.trim());
  return words.length === 0 ? undefined : { keyword: written.trim(), weight, text, words };
}
