import type { RoutingConfig } from '../core/config.js';
import type { Route, RouteReason, ServiceProfile } from '../core/route.js';
import type { LabelledTask } from './capability-strategy.js';
import { ConfidenceCurve, shareOf } from './confidence-curve.js';
import type { Confusion, RoutingEvaluation, ServiceEvaluation } from './evaluation.js';
import { distinctExamples } from './profile-weaknesses.js';

/** Below this confidence nothing worth the name speaks for a service. */
const UNEXPLAINED_BELOW = 0.2;

/** Most pairs of services, and most terms of a pair, that are told apart; most tasks that are kept to be shown. */
const MAX_PAIRS = 10_000;
const MAX_TERMS = 64;
const MAX_SAMPLES = 10;

/** Terms of a pair that are reported, and characters of a task that is shown. */
const REPORTED_TERMS = 5;
const MAX_SAMPLE_CHARS = 200;

interface ServiceCounts {
  tasks: number;
  right: number;
  matched: number;
  matchedRight: number;
}

interface Pair {
  readonly expected: string | null;
  readonly got: string | null;
  readonly sample: string;
  readonly weights: Map<string, number>;
  tasks: number;
}

/**
 * Counts the decisions of a router.
 *
 * Owns counts by service, by pair of services that were taken for each other, and by confidence.
 * - L1: every task is in the counts of its kind (with a service, or out of scope) and in the curve, once.
 * - L2: what is kept of the texts is bounded, however many tasks come.
 */
export class EvaluationTally {
  readonly #profiles: ReadonlyMap<string, ServiceProfile>;
  readonly #confidenceThreshold: number;
  readonly #fallbackService: string | null;
  /** Where tasks go that no service is confident of. */
  readonly #refusedTo: string | null;
  readonly #services: ReadonlyMap<string, ServiceCounts>;
  readonly #pairs = new Map<string, Pair>();
  readonly #curve = new ConfidenceCurve();
  readonly #known = { tasks: 0, right: 0, wrong: 0, refused: 0, first: 0, firstThree: 0 };
  readonly #foreign = { tasks: 0, refused: 0, routed: 0 };
  readonly #unexplained: { tasks: number; samples: string[] } = { tasks: 0, samples: [] };

  constructor(
    profiles: ReadonlyMap<string, ServiceProfile>,
    { confidenceThreshold, fallbackService }: Pick<RoutingConfig, 'confidenceThreshold' | 'fallbackService'>,
  ) {
    this.#profiles = profiles;
    this.#confidenceThreshold = confidenceThreshold;
    this.#fallbackService =
      fallbackService !== null && profiles.has(fallbackService) ? fallbackService : null;
    const [only = null] = profiles.size === 1 ? profiles.keys() : [];
    this.#refusedTo = this.#fallbackService ?? only;
    const none = () => ({ tasks: 0, right: 0, matched: 0, matchedRight: 0 });
    this.#services = new Map(Array.from(profiles.keys(), (name) => [name, none()]));
  }

  /** Number of tasks so far. */
  get tasks(): number {
    return this.#known.tasks + this.#foreign.tasks;
  }

  add({ text, service: expected }: LabelledTask, route: Route): void {
    const matched = route.outcome === 'matched' ? route.service : null;
    const belongsTo = (service: string | null) =>
      expected === null ? service === null || service === this.#fallbackService : service === expected;
    // With a service, getting there as the fallback is right too.
    const isRight = belongsTo(expected === null ? matched : route.service);
    if (expected === null) this.#addForeign(isRight);
    else this.#addKnown(expected, matched, isRight, { text, route });
    const gotCounts = matched === null ? undefined : this.#services.get(matched);
    if (gotCounts !== undefined) {
      gotCounts.matched++;
      if (isRight) gotCounts.matchedRight++;
    }
    if (!isRight) this.#addPair(expected, matched, { text, route });
    const [best] = route.ranked;
    this.#curve.add({
      confidence: best?.confidence ?? 0,
      isForeign: expected === null,
      isRightWhenMatched: best !== undefined && belongsTo(best.service),
      isRightWhenRefused: expected === null || expected === this.#refusedTo,
    });
  }

  figures(): Omit<RoutingEvaluation, 'advice'> {
    return {
      tasks: this.tasks,
      accuracy: shareOf(this.#known.right + this.#foreign.refused, this.tasks),
      confidenceThreshold: this.#confidenceThreshold,
      fallbackService: this.#fallbackService,
      withService: { ...this.#known },
      outOfScope: { ...this.#foreign },
      services: this.#serviceFigures(),
      confusions: [...this.#pairs.values()].sort((a, b) => b.tasks - a.tasks).map(toConfusion),
      thresholds: this.#curve.reported(),
      bestThreshold: this.#curve.best(this.#confidenceThreshold),
      unexplained: { ...this.#unexplained, samples: [...this.#unexplained.samples] },
    };
  }

  #addForeign(isRight: boolean): void {
    this.#foreign.tasks++;
    if (isRight) this.#foreign.refused++;
    else this.#foreign.routed++;
  }

  #addKnown(
    expected: string,
    matched: string | null,
    isRight: boolean,
    { text, route: { ranked } }: { readonly text: string; readonly route: Route },
  ): void {
    const known = this.#known;
    known.tasks++;
    if (isRight) known.right++;
    else if (matched === null) known.refused++;
    else known.wrong++;
    const rank = ranked.slice(0, 3).findIndex(({ service }) => service === expected);
    if (rank === 0) known.first++;
    if (rank >= 0) known.firstThree++;
    const counts = this.#services.get(expected) as ServiceCounts;
    counts.tasks++;
    if (isRight) counts.right++;
    if ((ranked[0]?.confidence ?? 0) >= UNEXPLAINED_BELOW) return;
    this.#unexplained.tasks++;
    const { samples } = this.#unexplained;
    if (samples.length < MAX_SAMPLES) samples.push(text.slice(0, MAX_SAMPLE_CHARS));
  }

  #addPair(
    expected: string | null,
    got: string | null,
    { text, route: { ranked } }: { readonly text: string; readonly route: Route },
  ): void {
    const key = JSON.stringify([expected, got]);
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      if (this.#pairs.size >= MAX_PAIRS) return;
      pair = { expected, got, tasks: 0, sample: text.slice(0, MAX_SAMPLE_CHARS), weights: new Map() };
      this.#pairs.set(key, pair);
    }
    pair.tasks++;
    // Of refused tasks, what spoke for the best candidate says what the right one lacks.
    const chosen = ranked.find(({ service }) => got === null || service === got);
    for (const reason of chosen?.reasons ?? []) addWeight(pair.weights, reason);
  }

  #serviceFigures(): ServiceEvaluation[] {
    return Array.from(this.#services, ([service, { tasks, right, matched, matchedRight }]) => ({
      service,
      tasks,
      right,
      matched,
      precision: shareOf(matchedRight, matched),
      recall: shareOf(right, tasks),
      examples: distinctExamples(this.#profiles.get(service) as ServiceProfile),
    }));
  }
}

function addWeight(weights: Map<string, number>, reason: RouteReason): void {
  const [term, weight] =
    reason.kind === 'keyword'
      ? [reason.keyword, reason.score]
      : reason.kind === 'term'
        ? [reason.term, reason.weight]
        : [undefined, 0];
  if (term === undefined || (weights.size >= MAX_TERMS && !weights.has(term))) return;
  weights.set(term, (weights.get(term) ?? 0) + weight);
}

function toConfusion({ weights, ...pair }: Pair): Confusion {
  const terms = [...weights].sort(([, a], [, b]) => b - a).slice(0, REPORTED_TERMS);
  return { ...pair, terms: terms.map(([term]) => term) };
}
