import { misuse } from '../core/errors.js';
import type {
  RouteCandidate,
  RouteContext,
  RouteReason,
  RoutingStrategy,
  ServiceProfile,
} from '../core/route.js';
import { DEFAULT_KEYWORDS } from './default-keywords.js';
import {
  type Keyword,
  type KeywordEntry,
  type KeywordHit,
  KeywordIndex,
  MAX_KEYWORD_CHARS,
  MAX_KEYWORD_WEIGHT,
  readKeyword,
} from './keyword-index.js';
import { ServiceOrder } from './service-order.js';
import { readWords, stemOf } from './words.js';

/** Options of {@link KeywordStrategy}. */
export interface KeywordStrategyOptions {
  /**
   * Turns a lower-case word into its stem, of keywords and tasks alike; false for whole words only. Default:
   * {@link stemOf}, which leaves words of other alphabets as they are; give a function that calls it for English words and
   * another stemmer for the rest. Called for every word, so it should be quick.
   */
  readonly stem?: ((word: string) => string) | false;
  /** Keywords by service, in place of the tables of the built-in services. */
  readonly keywords?: Readonly<Record<string, readonly Keyword[]>> | ReadonlyMap<string, readonly Keyword[]>;
}

/** Score of a word that is found in another form than it was written. */
const INFLECTED = 0.9;

/**
 * Routes by keywords: whole words and phrases, compared by their stems.
 *
 * A service scores `weight × words × (1 exact | 0.9 inflected)` for each of its keywords that occurs, once each. Its
 * confidence is its share of all scores × the strength of the evidence, `1 − 4^(−score)`: one keyword alone gives 0.75,
 * two 0.94, one against one of another service 0.375. The longest phrase takes its words away from shorter ones.
 *
 * It does not understand: "do not search the web" is about searching; "reasonable" has the stem of "reason".
 */
export class KeywordStrategy implements RoutingStrategy {
  readonly name = 'keyword';
  readonly #stem: (word: string) => string;
  readonly #tables: ReadonlyMap<string, readonly Keyword[]>;
  readonly #added = new Map<string, Keyword[]>();
  readonly #order = new ServiceOrder();
  #profiles: ReadonlyMap<string, ServiceProfile> = new Map();
  #isTold = false;
  #index: KeywordIndex | undefined;
  /** Position of each service of the index in the list of available ones, -1 for others. */
  #positions = new Int32Array();
  #positionsVersion = -1;

  constructor({ stem = stemOf, keywords = DEFAULT_KEYWORDS }: KeywordStrategyOptions = {}) {
    this.#stem = stem === false ? (word) => word : stem;
    // Entries of the object itself only: a service may be called `constructor`.
    this.#tables = keywords instanceof Map ? new Map(keywords) : new Map(Object.entries(keywords));
  }

  /**
   * Adds a keyword to a service, whether its other keywords come from its profile or from a table. Added again it has
   * the weight given last; 0 switches it off.
   *
   * @param keyword - A word or a phrase, at most 256 characters.
   * @param weight - 0 to 1,000; default 1.
   * @throws TypeError when the keyword holds no letter or digit, is too long, or the weight is out of range.
   */
  addKeyword(service: string, keyword: string, weight = 1): void {
    if (readKeyword({ text: keyword, weight }) === undefined) {
      throw misuse(
        `Keyword ${JSON.stringify(keyword)} of "${service}" with weight ${weight} cannot be used; give 1 to ${MAX_KEYWORD_CHARS} characters with a letter or digit, and a weight of 0 to ${MAX_KEYWORD_WEIGHT}.`,
      );
    }
    const added = this.#added.get(service);
    if (added === undefined) this.#added.set(service, [{ text: keyword, weight }]);
    else added.push({ text: keyword, weight });
    this.#index = undefined;
  }

  /** Takes the keywords of these profiles from the next call on. */
  onRegistryChange(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#profiles = profiles;
    this.#isTold = true;
    this.#index = undefined;
  }

  /** Ranks the services whose keywords occur in the task; equal ones in the order of `availableServices`. */
  route(
    task: string,
    availableServices: readonly string[],
    context?: Pick<RouteContext, 'profiles'>,
  ): RouteCandidate[] {
    const index = this.#currentIndex(context?.profiles);
    const positions = this.#positionsIn(availableServices, index);
    const hits = index.find(readWords(task), (service) => (positions[service] as number) >= 0);
    return rank(groupByService(hits, positions), index.services);
  }

  /** A strategy that nobody tells of registry changes follows the profiles that come with the calls. */
  #currentIndex(profiles: ReadonlyMap<string, ServiceProfile> | undefined): KeywordIndex {
    if (!this.#isTold && profiles !== undefined && profiles !== this.#profiles) {
      this.#profiles = profiles;
      this.#index = undefined;
    }
    if (this.#index === undefined) {
      this.#index = new KeywordIndex(this.#allKeywords(), this.#stem);
      this.#positionsVersion = -1;
    }
    return this.#index;
  }

  #allKeywords(): Map<string, readonly Keyword[]> {
    const all = new Map(this.#tables);
    for (const [service, { keywords }] of this.#profiles)
      if (Array.isArray(keywords)) all.set(service, keywords);
    for (const [service, added] of this.#added) all.set(service, [...(all.get(service) ?? []), ...added]);
    return all;
  }

  #positionsIn(availableServices: readonly string[], index: KeywordIndex): Int32Array {
    const order = this.#order.of(availableServices);
    if (this.#positionsVersion !== this.#order.version) {
      this.#positions = Int32Array.from(index.services, (service) => order.get(service) ?? -1);
      this.#positionsVersion = this.#order.version;
    }
    return this.#positions;
  }
}

type KeywordReason = Extract<RouteReason, { kind: 'keyword' }>;

/** The evidence for one service. */
interface Evidence {
  readonly service: number;
  readonly position: number;
  score: number;
  readonly reasons: KeywordReason[];
}

function groupByService(hits: Iterable<KeywordHit>, positions: Int32Array): Evidence[] {
  const evidence = new Map<number, Evidence>();
  for (const hit of hits) {
    // Services that share a keyword share its reason.
    let reason: KeywordReason | undefined;
    for (const entry of hit.entries) {
      const position = positions[entry.service] as number;
      if (position < 0 || entry.weight === 0) continue;
      const { score, at } = scoreOf(entry, hit.forms);
      if (reason?.keyword !== entry.keyword || reason.at !== at || reason.score !== score) {
        reason = { kind: 'keyword', keyword: entry.keyword, at, score };
      }
      const found = evidence.get(entry.service);
      if (found === undefined) {
        evidence.set(entry.service, { service: entry.service, position, score, reasons: [reason] });
      } else {
        found.score += score;
        found.reasons.push(reason);
      }
    }
  }
  return [...evidence.values()];
}

/** An exact form counts in full wherever it stands; otherwise the first one counts as inflected. */
function scoreOf(
  { forms, weight, words }: KeywordEntry,
  found: ReadonlyMap<string, number>,
): { score: number; at: number } {
  for (const form of forms) {
    const at = found.get(form);
    if (at !== undefined) return { score: weight * words, at };
  }
  const [first] = found.values();
  return { score: weight * words * INFLECTED, at: first as number };
}

function rank(evidence: Evidence[], services: readonly string[]): RouteCandidate[] {
  let total = 0;
  for (const { score } of evidence) total += score;
  // The confidence grows with the score, so the scores can be sorted.
  evidence.sort((a, b) => b.score - a.score || a.position - b.position);
  return evidence.map(({ service, score, reasons }) => ({
    service: services[service] as string,
    // Share of the evidence, damped while there is little of it.
    confidence: (score / total) * (1 - 4 ** -score),
    strategy: 'keyword',
    reasons,
  }));
}
