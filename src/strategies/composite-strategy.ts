import { isSure } from '../core/decide-route.js';
import type { Log } from '../core/environment.js';
import { messageOf, misuse } from '../core/errors.js';
import type { RouteCandidate, RouteContext, RoutingStrategy, ServiceProfile } from '../core/route.js';
import {
  type Answer,
  answerOf,
  assertStrategy,
  callStrategy,
  limitSecondsOf,
  nameOf,
  type Question,
} from './call-strategy.js';
import { cleanRanking } from './clean-ranking.js';
import { type CombineMode, combineRankings } from './combine-rankings.js';
import { FaultLog } from './fault-log.js';
import { ServiceOrder } from './service-order.js';

/** How a composite uses its strategies; `cascade` asks the next one only while none is sure. */
export type CompositeMode = 'cascade' | CombineMode;

/** Options of {@link CompositeStrategy}. */
export interface CompositeStrategyOptions {
  /** Default `cascade`. */
  readonly mode?: CompositeMode;
  /** For `cascade`: the confidence, 0 to 1, at which a strategy decides. Default: the orchestrator's, else 0.5. */
  readonly confidenceThreshold?: number;
  /**
   * Limit, in seconds, of each asynchronous strategy, so that a late one does not cost the answers of the rest. Default: its
   * own budget, else the orchestrator's `routingTimeoutSeconds`.
   */
  readonly strategyTimeoutSeconds?: number;
  /** Where faults of the strategies are reported. Default: the orchestrator's log. */
  readonly log?: Log;
}

/** A strategy and its weight: 0 or more, for `noisyOr` at most 1 (the part of its evidence that is believed). */
export type WeightedStrategy = readonly [strategy: RoutingStrategy, weight: number];

interface Stage {
  readonly strategy: RoutingStrategy;
  readonly name: string;
  readonly weight: number;
}

/** What the stages are asked, and the position of each service. */
interface OrderedQuestion extends Question {
  readonly order: ReadonlyMap<string, number>;
}

/** What came of one stage. */
type Outcome =
  | { readonly kind: 'ranked'; readonly stage: Stage; readonly ranked: readonly RouteCandidate[] }
  | { readonly kind: 'fault'; readonly stage: Stage; readonly cause: unknown };

/**
 * Routes by several strategies. One that throws, is late or answers with something else than a ranking is skipped, with
 * one warning. Answers at once unless one of them is asynchronous.
 *
 * In mode `cascade` the first strategy whose best confidence reaches the threshold decides; the ranking keeps the highest
 * confidence per service of all that were asked. The other modes ask all: see {@link combineRankings}.
 *
 * Mode `rrf` answers ranks (`isRankOnly`): its first candidate is taken whatever the threshold, so that a task goes to the
 * fallback only when no strategy names any service. A strategy that only ranks decides a cascade as soon as it names a
 * service, and alone; the modes that count confidences skip it.
 *
 * @example
 * new CompositeStrategy([new KeywordStrategy(), new CapabilityStrategy()], { confidenceThreshold: 0.6 });
 * new CompositeStrategy([[new KeywordStrategy(), 0.3], [new CapabilityStrategy(), 0.7]], { mode: 'weighted' });
 */
export class CompositeStrategy implements RoutingStrategy {
  readonly name = 'composite';
  readonly #stages: readonly Stage[];
  readonly #mode: CompositeMode;
  readonly #confidenceThreshold: number | undefined;
  readonly #timeoutSeconds: number | undefined;
  readonly #faults: FaultLog;
  readonly #order = new ServiceOrder();

  /**
   * @param strategies - In order of precedence, each alone (weight 1) or as a pair with its weight.
   * @throws TypeError when an element is no strategy, or a weight or option is out of range.
   */
  constructor(
    strategies: readonly (RoutingStrategy | WeightedStrategy)[],
    { mode = 'cascade', confidenceThreshold, strategyTimeoutSeconds, log }: CompositeStrategyOptions = {},
  ) {
    if (!MODES.includes(mode)) throw misuse(`mode must be one of ${MODES.join(', ')}, not ${String(mode)}.`);
    if (confidenceThreshold !== undefined && !(confidenceThreshold >= 0 && confidenceThreshold <= 1)) {
      throw misuse(`confidenceThreshold must be 0 to 1, not ${confidenceThreshold}.`);
    }
    if (strategyTimeoutSeconds !== undefined && !(strategyTimeoutSeconds > 0)) {
      throw misuse(`strategyTimeoutSeconds must be above 0, not ${strategyTimeoutSeconds}.`);
    }
    this.#stages = strategies.map((strategy) => toStage(strategy, mode));
    this.#mode = mode;
    this.#confidenceThreshold = confidenceThreshold;
    this.#timeoutSeconds = strategyTimeoutSeconds;
    this.#faults = new FaultLog(log);
  }

  /** Its strategies' limits: one after another in a cascade, side by side otherwise. */
  budgetSeconds(timeoutSeconds: number): number {
    const limits = this.#stages.map((stage) => this.#limitSecondsOf(stage, timeoutSeconds));
    return this.#mode === 'cascade' ? limits.reduce((sum, each) => sum + each, 0) : Math.max(0, ...limits);
  }

  /** Tells every strategy; one that throws is reported and does not keep it from the others. */
  onRegistryChange(profiles: ReadonlyMap<string, ServiceProfile>): void {
    for (const stage of this.#stages) {
      const answer = answerOf(() => stage.strategy.onRegistryChange?.(profiles));
      if (answer instanceof Promise) answer.then((late) => this.#reportFault(stage, late));
      else this.#reportFault(stage, answer);
    }
  }

  /** Ranks by the mode. @throws AggregateError (or rejects with it) when every strategy asked has failed. */
  route(
    task: string,
    availableServices: readonly string[],
    context: RouteContext,
  ): RouteCandidate[] | Promise<RouteCandidate[]> {
    this.#faults.defaultTo(context.log);
    const order = this.#order.of(availableServices);
    const question = { task, availableServices, context, order };
    return this.#mode === 'cascade' ? this.#askFrom(0, question, []) : this.#askAll(this.#mode, question);
  }

  #askFrom(
    at: number,
    question: OrderedQuestion,
    before: readonly Outcome[],
  ): RouteCandidate[] | Promise<RouteCandidate[]> {
    const stage = this.#stages[at];
    if (stage === undefined) return combine('max', before, question.order);
    const goOn = (outcome: Outcome) => {
      const [best] = outcome.kind === 'ranked' ? outcome.ranked : [];
      // Ranks cannot be weighed against the confidences of those who were asked before.
      const outcomes = best?.isRankOnly ? [outcome] : [...before, outcome];
      return best !== undefined && isSure(best, this.#thresholdIn(question.context))
        ? combine('max', outcomes, question.order)
        : this.#askFrom(at + 1, question, outcomes);
    };
    const outcome = this.#ask(stage, question);
    return outcome instanceof Promise ? outcome.then(goOn) : goOn(outcome);
  }

  #askAll(mode: CombineMode, question: OrderedQuestion): RouteCandidate[] | Promise<RouteCandidate[]> {
    const outcomes = this.#stages.map((stage) => this.#ask(stage, question));
    const isSettled = (outcome: Outcome | Promise<Outcome>) => !(outcome instanceof Promise);
    return outcomes.every(isSettled)
      ? combine(mode, outcomes as Outcome[], question.order)
      : Promise.all(outcomes).then((settled) => combine(mode, settled, question.order));
  }

  #ask(stage: Stage, question: OrderedQuestion): Outcome | Promise<Outcome> {
    const read = (answer: Answer): Outcome => {
      const cleaned = answer.kind === 'fault' ? answer : this.#clean(stage, answer.value, question.order);
      if (cleaned.kind === 'fault') this.#reportFault(stage, cleaned);
      return cleaned.kind === 'fault' ? { ...cleaned, stage } : cleaned;
    };
    const answer = callStrategy(stage.strategy, question, (seconds) => this.#limitSecondsOf(stage, seconds));
    return answer instanceof Promise ? answer.then(read) : read(answer);
  }

  #clean(stage: Stage, value: unknown, order: ReadonlyMap<string, number>): Outcome {
    try {
      const ranked = cleanRanking(value, { strategy: stage.name, order, faults: this.#faults });
      if (COUNTING_MODES.includes(this.#mode) && ranked.some(({ isRankOnly }) => isRankOnly)) {
        throw misuse(
          `Strategy "${stage.name}" only ranks, which mode "${this.#mode}" cannot count; use rrf or cascade.`,
        );
      }
      return { kind: 'ranked', stage, ranked };
    } catch (cause) {
      return { kind: 'fault', stage, cause };
    }
  }

  #thresholdIn({ confidenceThreshold = 0.5 }: RouteContext): number {
    return this.#confidenceThreshold ?? confidenceThreshold;
  }

  #limitSecondsOf({ strategy }: Stage, timeoutSeconds: number): number {
    return this.#timeoutSeconds ?? limitSecondsOf(strategy, timeoutSeconds);
  }

  #reportFault({ name }: Stage, answer: Answer | Outcome): void {
    if (answer.kind !== 'fault') return;
    const { cause } = answer;
    this.#faults.warnOnce(
      `${name} failed`,
      { strategy: name, cause },
      'a routing strategy failed and was skipped',
    );
  }
}

const MODES: readonly CompositeMode[] = ['cascade', 'weighted', 'max', 'noisyOr', 'rrf'];
const COUNTING_MODES: readonly CompositeMode[] = ['weighted', 'max', 'noisyOr'];

function toStage(given: RoutingStrategy | WeightedStrategy, mode: CompositeMode): Stage {
  const isPair = (value: typeof given): value is WeightedStrategy => Array.isArray(value);
  const [strategy, weight] = isPair(given) ? given : [given, 1];
  assertStrategy(strategy);
  const most = mode === 'noisyOr' ? 1 : Number.MAX_VALUE;
  if (!(weight >= 0 && weight <= most)) {
    throw misuse(
      `The weight of strategy "${nameOf(strategy)}" must be 0 or more${most === 1 ? ' and at most 1' : ''}, not ${weight}.`,
    );
  }
  return { strategy, name: nameOf(strategy), weight };
}

function combine(
  mode: CombineMode,
  outcomes: readonly Outcome[],
  order: ReadonlyMap<string, number>,
): RouteCandidate[] {
  const rankings = outcomes.flatMap((outcome) =>
    outcome.kind === 'ranked' ? [{ weight: outcome.stage.weight, ranked: outcome.ranked }] : [],
  );
  if (rankings.length === 0 && outcomes.length > 0) throw allFailed(outcomes);
  return combineRankings(mode, rankings, order);
}

function allFailed(outcomes: readonly Outcome[]): AggregateError {
  const faults = outcomes.flatMap((outcome) => (outcome.kind === 'fault' ? [outcome] : []));
  const text = faults.map(({ stage, cause }) => `${stage.name}: ${messageOf(cause)}`).join('; ');
  return new AggregateError(
    faults.map(({ cause }) => cause),
    `Every routing strategy failed (${text}).`,
  );
}
