/** Most other words between two neighbouring words of a phrase. */
const MAX_GAP_WORDS = 3;

/** A node reached by a prefix of keywords; `entries` are those that end here. */
export interface TrieNode<E> {
  /** Number of symbols from the root. */
  readonly depth: number;
  readonly entries: E[];
  readonly children: Map<string, TrieNode<E>>;
  /** Unique within its trie. */
  readonly id: number;
}

/** A phrase found in a text: where it ends in the trie, and the positions of its words. */
export interface PhraseMatch<E> {
  readonly node: TrieNode<E>;
  readonly positions: readonly number[];
}

/** Keywords as paths of symbols: stems for phrases, characters for scripts without spaces. */
export class KeywordTrie<E> {
  #size = 0;
  readonly #root: TrieNode<E> = this.#createNode(0);

  get isEmpty(): boolean {
    return this.#root.children.size === 0;
  }

  /** The node of a keyword, created when it is missing. */
  nodeOf(symbols: readonly string[]): TrieNode<E> {
    let node = this.#root;
    for (const symbol of symbols) {
      let child = node.children.get(symbol);
      if (child === undefined) {
        child = this.#createNode(node.depth + 1);
        node.children.set(symbol, child);
      }
      node = child;
    }
    return node;
  }

  /**
   * Finds phrases from left to right. At each word the phrase of most words wins, the nearest words first, and takes its
   * words away from the others. Words may have up to {@link MAX_GAP_WORDS} others between them.
   *
   * @param isWanted - Whether a node's entries count; those that do not take nothing away.
   */
  findPhrases(stems: readonly string[], isWanted: (node: TrieNode<E>) => boolean): PhraseMatch<E>[] {
    const matches: PhraseMatch<E>[] = [];
    let search: PhraseSearch<E> | undefined;
    for (let start = 0; start < stems.length; start++) {
      const node = this.#root.children.get(stems[start] as string);
      if (node === undefined) continue;
      search ??= new PhraseSearch(stems, isWanted);
      if (search.isTaken(start)) continue;
      const match = search.longestFrom(node, start);
      if (match === undefined) continue;
      search.take(match.positions);
      matches.push(match);
    }
    return matches;
  }

  /** Tells every place where a keyword of UTF-16 units stands in the text; nothing is taken away. */
  findSubstrings(symbols: string, onMatch: (node: TrieNode<E>, at: number) => void): void {
    for (let start = 0; start < symbols.length; start++) {
      let node = this.#root.children.get(symbols.charAt(start));
      for (let next = start + 1; node !== undefined; next++) {
        if (node.entries.length > 0) onMatch(node, start);
        node = node.children.get(symbols.charAt(next));
      }
    }
  }

  #createNode(depth: number): TrieNode<E> {
    return { depth, entries: [], children: new Map(), id: this.#size++ };
  }
}

/**
 * The longest phrase from one word on, for one text.
 *
 * L1: from a state of `#dead` no phrase can be reached. Words only ever get fewer, so it is not tried again, whatever is
 * taken: repeated words cost no exponential search, and no search per word.
 * L2: from a state of `#alive` one was reached in the search that goes on.
 */
class PhraseSearch<E> {
  readonly #stems: readonly string[];
  readonly #isWanted: (node: TrieNode<E>) => boolean;
  readonly #taken = new Set<number>();
  readonly #dead = new Set<number>();
  readonly #alive = new Set<number>();
  #best: PhraseMatch<E> | undefined;

  constructor(stems: readonly string[], isWanted: (node: TrieNode<E>) => boolean) {
    this.#stems = stems;
    this.#isWanted = isWanted;
  }

  isTaken(position: number): boolean {
    return this.#taken.has(position);
  }

  take(positions: readonly number[]): void {
    for (const position of positions) this.#taken.add(position);
    this.#alive.clear();
  }

  longestFrom(node: TrieNode<E>, start: number): PhraseMatch<E> | undefined {
    this.#best = undefined;
    this.#visit(node, start, [start]);
    return this.#best;
  }

  /** @returns Whether a phrase ends here or further on. */
  #visit(node: TrieNode<E>, position: number, path: number[]): boolean {
    const isPhrase = node.entries.length > 0 && this.#isWanted(node);
    if (isPhrase && node.depth > (this.#best?.node.depth ?? 0)) this.#best = { node, positions: [...path] };
    if (node.children.size === 0) return isPhrase;
    const state = node.id * this.#stems.length + position;
    if (this.#dead.has(state)) return isPhrase;
    if (this.#alive.has(state)) return true;
    let goesOn = false;
    const last = Math.min(position + 1 + MAX_GAP_WORDS, this.#stems.length - 1);
    for (let next = position + 1; next <= last; next++) {
      const child = node.children.get(this.#stems[next] as string);
      if (child === undefined || this.#taken.has(next)) continue;
      path.push(next);
      if (this.#visit(child, next, path)) goesOn = true;
      path.pop();
    }
    (goesOn ? this.#alive : this.#dead).add(state);
    return isPhrase || goesOn;
  }
}
