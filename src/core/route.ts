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
