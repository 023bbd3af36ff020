import type { RoutingConfig } from '../core/config.js';
import { misuse } from '../core/errors.js';
import type { Route, ServiceProfile } from '../core/route.js';
import type { LabelledTask } from './capability-strategy.js';
import type { ThresholdFigures } from './confidence-curve.js';
import { adviseOn, type RoutingAdvice } from './evaluation-advice.js';
import { EvaluationTally } from './evaluation-tally.js';

/** What is evaluated: an orchestrator, or anything that routes with a configuration and knows its services. */
export interface EvaluatedRouter {
  explain(task: string): Route | Promise<Route>;
  readonly config: {
    readonly routingConfig: Pick<
      RoutingConfig,
      'confidenceThreshold' | 'fallbackService' | 'useCapabilityMatching'
    >;
  };
  readonly registry: { profiles(): ReadonlyMap<string, ServiceProfile> };
}

/**
 * How well a router does on tasks whose right service is known. Shares are 0 to 1, and null where nothing was counted.
 *
 * A task with a service is right when it goes to that service, be it as the fallback. A task that belongs to none is
 * right when it is refused, that is no service is confident, or goes to the fallback service.
 */
export interface RoutingEvaluation {
  readonly tasks: number;
  /** Share of all tasks that were decided right. */
  readonly accuracy: number | null;
  readonly confidenceThreshold: number;
  /** Null when there is none, or it is not registered. */
  readonly fallbackService: string | null;
  /** Tasks that belong to a service. */
  readonly withService: {
    readonly tasks: number;
    readonly right: number;
    /** Sent to another service with enough confidence. */
    readonly wrong: number;
    /** No service was confident, and the fallback is not the right one. */
    readonly refused: number;
    /** The right service was the best candidate, and among the best three, whatever its confidence. */
    readonly first: number;
    readonly firstThree: number;
  };
  /** Tasks that belong to no service. */
  readonly outOfScope: { readonly tasks: number; readonly refused: number; readonly routed: number };
  /** In order of registration. */
  readonly services: readonly ServiceEvaluation[];
  /** Tasks decided wrong, by pair of services, the largest first; at most the first 10,000 pairs that occur. */
  readonly confusions: readonly Confusion[];
  /** What each threshold from 0 to 1, in steps of 0.05, would give with the same rankings. */
  readonly thresholds: readonly ThresholdFigures[];
  /**
   * The threshold, in steps of 0.01, with the best mean of right and refused, and of equals the nearest to the present
   * one. Null without tasks of both kinds.
   */
  readonly bestThreshold: ThresholdFigures | null;
  /** Tasks with a service that nothing speaks for: the best confidence is below 0.2. */
  readonly unexplained: { readonly tasks: number; readonly samples: readonly string[] };
  /** What to do about it, the most telling first. */
  readonly advice: readonly RoutingAdvice[];
}

/** How one service did. */
export interface ServiceEvaluation {
  readonly service: string;
  /** Labelled with it, and right among those. */
  readonly tasks: number;
  readonly right: number;
  /** Sent to it with enough confidence. */
  readonly matched: number;
  /** Share of what was sent to it that belongs there. */
  readonly precision: number | null;
  /** Share of its tasks that reached it. */
  readonly recall: number | null;
  /** Distinct examples in its profile. */
  readonly examples: number;
}

/** Tasks of one kind that were decided wrong in the same way. */
export interface Confusion {
  /** Null: belongs to no service. */
  readonly expected: string | null;
  /** Null: refused. */
  readonly got: string | null;
  readonly tasks: number;
  /** What spoke for the wrong service, the heaviest first, at most five. */
  readonly terms: readonly string[];
  /** The first such task, at most 200 characters. */
  readonly sample: string;
}

/**
 * Routes tasks whose right service is known and says how many were decided right, what was confused with what, which
 * threshold would serve best, and what to add. Nothing is run. Takes the tasks one after another from any iterable, and
 * keeps only counts: time grows with the tasks, memory does not.
 *
 * @param labelled - Tasks with their right services, `service: null` for those that belong to none.
 * @throws TypeError (as a rejection) without any task, or for a label that is no registered service.
 * @example
 * const evaluation = await evaluateRouting([{ text: 'Scan this page', service: 'vision' }], orchestrator);
 */
export async function evaluateRouting(
  labelled: Iterable<LabelledTask> | AsyncIterable<LabelledTask>,
  router: EvaluatedRouter,
): Promise<RoutingEvaluation> {
  const { routingConfig } = router.config;
  const profiles = router.registry.profiles();
  const tally = new EvaluationTally(profiles, routingConfig);
  for await (const { text, service } of labelled) {
    if (service !== null && !profiles.has(service)) throw unknownLabel(service, tally.tasks, profiles);
    tally.add({ text, service }, await router.explain(text));
  }
  if (tally.tasks === 0) throw misuse('evaluateRouting() needs at least one labelled task.');
  const figures = tally.figures();
  return { ...figures, advice: adviseOn(figures, routingConfig) };
}

function unknownLabel(service: unknown, position: number, profiles: ReadonlyMap<string, unknown>): TypeError {
  const known = [...profiles.keys()].slice(0, 20).join(', ');
  return misuse(
    `Labelled task ${position} names ${JSON.stringify(service)}, which is no registered service (known: ${known}); mend the label, or use null for a task that belongs to none.`,
  );
}
