import type { Clock, Log } from './environment.js';

/** Why a strategy gave a service its confidence. `at` is the offset in the normalised text. */
export type RouteReason =
  | { readonly kind: 'keyword'; readonly keyword: string; readonly at: number; readonly score: number }
  | { readonly kind: 'term'; readonly term: string; readonly weight: number }
  | { readonly kind: 'example'; readonly text: string; readonly similarity: number }
  | { readonly kind: 'llm' | 'custom'; readonly note: string };

/** A service that may take a task. `confidence` is 0 to 1; 0.5 is the balanced operating point of every strategy. */
export interface RouteCandidate {
  readonly service: string;
  readonly confidence: number;
  readonly strategy?: string;
  readonly reasons?: readonly RouteReason[];
  /**
   * True when `confidence` only puts the candidates in order (reciprocal rank fusion, say) and does not tell how sure the
   * strategy is. It is then compared with no threshold and takes part in no near tie. Default false.
   */
  readonly isRankOnly?: boolean;
}

/** What a strategy answers: candidates or plain tuples, best first. */
export type Ranked = readonly (readonly [service: string, confidence: number] | RouteCandidate)[];

/** What a strategy may know of a service. */
export interface ServiceProfile {
  readonly name: string;
  readonly description?: string;
  readonly keywords?: readonly (string | { readonly text: string; readonly weight?: number })[];
  readonly capabilities?: readonly string[];
  readonly examples?: readonly string[];
  readonly tools?: readonly { readonly name: string; readonly description?: string }[];
  /**
   * False when texts of the profile come from a downstream server. Description, capabilities, tools and examples are
   * then cut to 2,048 characters together, count less, and lose near ties; `LearnedStrategy` does not learn them. Keywords
   * count in full: give only the operator's own. Default true.
   */
  readonly trusted?: boolean;
}

/** What a strategy gets beside the text. */
export interface RouteContext {
  readonly profiles: ReadonlyMap<string, ServiceProfile>;
  /** Aborted when the answer is no longer waited for. */
  readonly signal: AbortSignal;
  readonly kwargs?: unknown;
  /** Confidence, 0 to 1, from which on a match is taken. Default 0.5. */
  readonly confidenceThreshold?: number;
  /** Limit of an asynchronous strategy without a budget of its own, in seconds. Default 1. */
  readonly timeoutSeconds?: number;
  /** Time for limits of one's own. Without it nothing but `signal` ends a wait. */
  readonly clock?: Clock;
  /** Where a strategy reports faults that it answers for itself. Default: nowhere. */
  readonly log?: Log;
}

/**
 * A way to route: a pure function of text and profiles. Returns services with confidences, best first, at once or as
 * a promise. Entries that name an unknown service or a confidence outside 0 to 1 are dropped with one warning.
 */
export interface RoutingStrategy {
  readonly name?: string;
  route(task: string, availableServices: readonly string[], context: RouteContext): Ranked | Promise<Ranked>;
  /** Called at construction and whenever a service is registered or removed. */
  onRegistryChange?(profiles: ReadonlyMap<string, ServiceProfile>): void;
  /**
   * Longest time, in seconds, that an answer takes of a strategy that keeps time itself and answers even when it is late;
   * it is then waited for that long and a little more. Others have `timeoutSeconds`, the limit that is passed in.
   */
  budgetSeconds?(timeoutSeconds: number): number;
}

/** A cleaned ranking, best first; `cause` says why it is empty when the strategy failed. */
export interface Ranking {
  readonly ranked: readonly RouteCandidate[];
  readonly cause?: unknown;
}

/**
 * What the supervisor asks for a ranking. Total: never throws, never rejects, never hangs. Answers at once unless the
 * strategy is asynchronous.
 */
export interface RouterPort {
  rank(task: string, kwargs?: Readonly<Record<string, unknown>>): Ranking | Promise<Ranking>;
}

/** How a service was chosen. */
export type RouteOutcome = 'explicit' | 'matched' | 'fallback' | 'only-service' | 'no-route';

/** The decision for one task, with everything that led to it. */
export interface Route {
  /** The chosen service; null when `outcome` is `no-route`. */
  readonly service: string | null;
  /** What the chosen service really scored, 0 to 1; 1 when it was named. */
  readonly confidence: number;
  readonly usedFallback: boolean;
  readonly outcome: RouteOutcome;
  /** For people; begins with no-match, below-threshold, ambiguous or unavailable when the fallback is used. */
  readonly why: string;
  /** All candidates, best first. */
  readonly ranked: readonly RouteCandidate[];
}

/** What {@link decideRoute} needs beside the ranking. */
export interface RoutePolicy {
  readonly confidenceThreshold: number;
  readonly fallbackService: string | null;
  /** Registered names in order of registration. */
  readonly registered: readonly string[];
  /** False while a service's circuit is open. */
  readonly isAvailable: (service: string) => boolean;
  /** How busy a service is, any scale: of near ties the least busy one is chosen. Default: the best candidate, however busy. */
  readonly loadOf?: (service: string) => number;
}

/** Whether a candidate may be taken: it reaches the threshold, or has a rank only, which no threshold applies to. */
export function isSure({ confidence, isRankOnly }: RouteCandidate, confidenceThreshold: number): boolean {
  return isRankOnly === true ? confidence > 0 : confidence >= confidenceThreshold;
}

/** Two candidates closer than this are called ambiguous, and load may decide between them. */
export const NEAR_TIE = 0.05;

/**
 * Decides which service gets a task: the best available candidate at or above the threshold, else the fallback, else
 * the only service there is, else none. When all of those are down the task is still routed, to the one that it should
 * wait for. With `loadOf`, candidates closer than {@link NEAR_TIE} to the best are equals, and the least busy of them is
 * taken, of equally busy ones the best. Pure; used for execution, failover and explanation alike.
 */
export function decideRoute(ranked: readonly RouteCandidate[], policy: RoutePolicy): Route {
  return (
    choose(ranked, policy, policy.isAvailable) ??
    choose(ranked, policy, () => true) ?? {
      service: null,
      confidence: 0,
      usedFallback: false,
      outcome: 'no-route',
      why: whyNot(ranked, policy),
      ranked,
    }
  );
}

function choose(
  ranked: readonly RouteCandidate[],
  policy: RoutePolicy,
  isAvailable: RoutePolicy['isAvailable'],
): Route | undefined {
  const { confidenceThreshold, fallbackService, registered } = policy;
  const isEligible = (candidate: RouteCandidate): boolean =>
    isSure(candidate, confidenceThreshold) && isAvailable(candidate.service);
  const best = ranked.find(isEligible);
  if (best) return matchedRoute(best, lessBusy(best, ranked, policy, isEligible), ranked);
  const isHere = fallbackService !== null && registered.includes(fallbackService);
  if (isHere && isAvailable(fallbackService)) {
    const confidence = scoreOf(ranked, fallbackService);
    return routeTo(fallbackService, confidence, 'fallback', whyNot(ranked, policy), ranked);
  }
  const [only, ...others] = registered;
  if (only !== undefined && others.length === 0 && isAvailable(only)) {
    const why = ranked.length === 0 ? 'the only service' : whyNot(ranked, policy);
    return routeTo(only, scoreOf(ranked, only), 'only-service', why, ranked);
  }
  return undefined;
}

/** The least busy candidate that is as good as the best one; nothing is computed while the best has no equal. */
function lessBusy(
  best: RouteCandidate,
  ranked: readonly RouteCandidate[],
  { loadOf }: RoutePolicy,
  isEligible: (candidate: RouteCandidate) => boolean,
): RouteCandidate {
  if (loadOf === undefined || best.isRankOnly) return best;
  let chosen = best;
  let least: number | undefined;
  for (const candidate of ranked) {
    if (best.confidence - candidate.confidence >= NEAR_TIE) break;
    if (candidate === best || candidate.isRankOnly || !isEligible(candidate)) continue;
    least ??= loadOf(best.service);
    const load = loadOf(candidate.service);
    if (!(load < least)) continue;
    least = load;
    chosen = candidate;
  }
  return chosen;
}

/** The decision when the caller named the service. */
export function explicitRoute(service: string): Route {
  return {
    service,
    confidence: 1,
    usedFallback: false,
    outcome: 'explicit',
    why: 'named by the caller',
    ranked: [{ service, confidence: 1, strategy: 'explicit' }],
  };
}

function routeTo(
  service: string,
  confidence: number,
  outcome: RouteOutcome,
  why: string,
  ranked: readonly RouteCandidate[],
): Route {
  return { service, confidence, usedFallback: outcome === 'fallback', outcome, why, ranked };
}

function matchedRoute(
  best: RouteCandidate,
  chosen: RouteCandidate,
  ranked: readonly RouteCandidate[],
): Route {
  const { service, confidence } = chosen;
  const preferred = chosen === best ? '' : `; less busy than ${best.service} ${best.confidence.toFixed(2)}`;
  return routeTo(service, confidence, 'matched', whyMatched(chosen) + preferred, ranked);
}

function scoreOf(ranked: readonly RouteCandidate[], service: string): number {
  return ranked.find((candidate) => candidate.service === service)?.confidence ?? 0;
}

function whyMatched({ reasons = [], strategy }: RouteCandidate): string {
  const keywords = reasons.flatMap((reason) => (reason.kind === 'keyword' ? [reason.keyword] : []));
  if (keywords.length > 0) return `keyword${keywords.length > 1 ? 's' : ''} ${keywords.join(', ')}`;
  const terms = reasons.flatMap((reason) => (reason.kind === 'term' ? [reason.term] : []));
  if (terms.length > 0) return `terms ${terms.join(', ')}`;
  const example = reasons.find((reason) => reason.kind === 'example');
  if (example?.kind === 'example') return `like the example "${example.text}"`;
  const noted = reasons.find((reason) => reason.kind === 'llm' || reason.kind === 'custom');
  if (noted && 'note' in noted) return noted.note;
  return strategy === undefined ? 'chosen by the strategy' : `chosen by ${strategy}`;
}

function whyNot(
  ranked: readonly RouteCandidate[],
  { confidenceThreshold, isAvailable }: RoutePolicy,
): string {
  const [first, second] = ranked;
  if (first === undefined || first.confidence === 0) return 'no-match: no candidate';
  const score = `${first.service} ${first.confidence.toFixed(2)}`;
  if (isSure(first, confidenceThreshold) && !isAvailable(first.service)) {
    return `unavailable: the circuit of ${score} is open`;
  }
  if (second !== undefined && first.confidence - second.confidence < NEAR_TIE) {
    return `ambiguous: ${score} and ${second.service} ${second.confidence.toFixed(2)}`;
  }
  const noted = first.reasons?.find(({ kind }) => kind === 'llm');
  const note = noted !== undefined && 'note' in noted ? `; ${noted.note}` : '';
  return `below-threshold: ${score} < ${confidenceThreshold}${note}`;
}
