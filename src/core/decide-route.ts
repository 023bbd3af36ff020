import type { RoutingConfig } from './config.js';
import type { Route, RouteCandidate, RouteOutcome } from './route.js';

/** What {@link decideRoute} needs beside the ranking. */
export interface RoutePolicy {
  readonly confidenceThreshold: number;
  readonly fallbackService: string | null;
  /** Registered names in order of registration. */
  readonly registered: readonly string[];
  /** False while a service's circuit is open. */
  readonly isAvailable: (service: string) => boolean;
  /** What becomes of a task whose service is not available. Default `next`; what `fail` refuses is routed like `next`. */
  readonly onUnavailable?: RoutingConfig['onUnavailable'];
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
 * wait for. `onUnavailable` may leave out the next candidates (`fallback`) or wait at once (`wait`). With `loadOf`,
 * candidates closer than {@link NEAR_TIE} to the best are equals, and the least busy of them is taken, of equally busy
 * ones the best. Pure; used for execution, failover and explanation alike.
 */
export function decideRoute(ranked: readonly RouteCandidate[], policy: RoutePolicy): Route {
  return chooseOpen(ranked, policy) ?? choose(ranked, policy, anyService) ?? noRoute(ranked, policy);
}

const anyService = (): boolean => true;

/** Who takes the task without a wait; undefined when nobody, or when it is to wait. */
function chooseOpen(ranked: readonly RouteCandidate[], policy: RoutePolicy): Route | undefined {
  const { isAvailable, onUnavailable, fallbackService } = policy;
  if (onUnavailable === 'wait') return undefined;
  if (onUnavailable !== 'fallback') return choose(ranked, policy, isAvailable);
  const best = choose(ranked, policy, anyService);
  if (best === undefined || best.service === null || isAvailable(best.service)) return best;
  return choose(ranked, policy, (service) => service === fallbackService && isAvailable(service));
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
  { loadOf, isAvailable }: RoutePolicy,
  isEligible: (candidate: RouteCandidate) => boolean,
): RouteCandidate {
  if (loadOf === undefined || best.isRankOnly) return best;
  let chosen = best;
  let least: number | undefined;
  for (const candidate of ranked) {
    if (best.confidence - candidate.confidence >= NEAR_TIE) break;
    if (candidate === best || candidate.isRankOnly || !isEligible(candidate)) continue;
    // What is down has nothing to do, and is no better for it.
    if (!isAvailable(candidate.service)) continue;
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

function noRoute(ranked: readonly RouteCandidate[], policy: RoutePolicy): Route {
  const why = whyNot(ranked, policy);
  return { service: null, confidence: 0, usedFallback: false, outcome: 'no-route', why, ranked };
}

/** Freezes a route that many tasks share: who writes into the one of his result must not change those of others. */
export function freezeRoute(route: Route): Route {
  for (const candidate of route.ranked) Object.freeze(candidate);
  Object.freeze(route.ranked);
  return Object.freeze(route);
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
