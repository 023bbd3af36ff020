import { type Clock, type Log, silentLog } from '../core/environment.js';
import { messageOf, misuse, routingTimedOut } from '../core/errors.js';
import type { RouteCandidate, RouteContext, RoutingStrategy, ServiceProfile } from '../core/route.js';
import { type Answer, answerOf, assertStrategy, nameOf, type TimeLimit } from './call-strategy.js';
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
  /** For `cascade`: the confidence, 0 to 1, at which a strategy decides. Default 0.5. */
  readonly confidenceThreshold?: number;
  /** Where faults of the strategies are reported. Default: nowhere. */
  readonly log?: Log;
  /** Gives each asynchronous strategy a limit of its own, so that a late one does not cost the answers of the rest. */
  readonly timeLimit?: {
    readonly clock: Clock;
    /** In milliseconds; keep it below the limit of routing as a whole. */
    readonly timeoutMs: number;
  };
}

/** A strategy and its weight: 0 or more, for `noisyOr` at most 1 (the part of its evidence that is believed). */
export type WeightedStrategy = readonly [strategy: RoutingStrategy, weight: number];

interface Stage {
  readonly strategy: RoutingStrategy;
  readonly name: string;
  readonly weight: number;
}

/** What the stages are asked. */
interface Question {
  readonly task: string;
  readonly availableServices: readonly string[];
  readonly context: RouteContext;
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
 * @example
 * new CompositeStrategy([new KeywordStrategy(), new CapabilityStrategy()], { confidenceThreshold: 0.6 });
 * new CompositeStrategy([[new KeywordStrategy(), 0.3], [new CapabilityStrategy(), 0.7]], { mode: 'weighted' });
 */
export class CompositeStrategy implements RoutingStrategy {
  readonly name = 'composite';
  readonly #stages: readonly Stage[];
  readonly #mode: CompositeMode;
  readonly #confidenceThreshold: number;
  readonly #timeLimit: CompositeStrategyOptions['timeLimit'];
  readonly #faults: FaultLog;
  readonly #order = new ServiceOrder();

  /**
   * @param strategies - In order of precedence, each alone (weight 1) or as a pair with its weight.
   * @throws TypeError when an element is no strategy, or a weight or option is out of range.
   */
  constructor(
    strategies: readonly (RoutingStrategy | WeightedStrategy)[],
    {
      mode = 'cascade',
      confidenceThreshold = 0.5,
      log = silentLog,
      timeLimit,
    }: CompositeStrategyOptions = {},
  ) {
    if (!MODES.includes(mode)) throw misuse(`mode must be one of ${MODES.join(', ')}, not ${String(mode)}.`);
    if (!(confidenceThreshold >= 0 && confidenceThreshold <= 1)) {
      throw misuse(`confidenceThreshold must be 0 to 1, not ${confidenceThreshold}.`);
    }
    this.#stages = strategies.map((strategy) => toStage(strategy, mode));
    this.#mode = mode;
    this.#confidenceThreshold = confidenceThreshold;
    this.#timeLimit = timeLimit;
    this.#faults = new FaultLog(log);
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
    const order = this.#order.of(availableServices);
    const question = { task, availableServices, context, order };
    return this.#mode === 'cascade' ? this.#askFrom(0, question, []) : this.#askAll(this.#mode, question);
  }

  #askFrom(
    at: number,
    question: Question,
    before: readonly Outcome[],
  ): RouteCandidate[] | Promise<RouteCandidate[]> {
    const stage = this.#stages[at];
    if (stage === undefined) return combine('max', before, question.order);
    const goOn = (outcome: Outcome) => {
      const outcomes = [...before, outcome];
      return this.#isSure(outcome)
        ? combine('max', outcomes, question.order)
        : this.#askFrom(at + 1, question, outcomes);
    };
    const outcome = this.#ask(stage, question);
    return outcome instanceof Promise ? outcome.then(goOn) : goOn(outcome);
  }

  #askAll(mode: CombineMode, question: Question): RouteCandidate[] | Promise<RouteCandidate[]> {
    const outcomes = this.#stages.map((stage) => this.#ask(stage, question));
    const isSettled = (outcome: Outcome | Promise<Outcome>) => !(outcome instanceof Promise);
    return outcomes.every(isSettled)
      ? combine(mode, outcomes as Outcome[], question.order)
      : Promise.all(outcomes).then((settled) => combine(mode, settled, question.order));
  }

  #isSure(outcome: Outcome): boolean {
    if (outcome.kind === 'fault') return false;
    const [best] = outcome.ranked;
    return best !== undefined && best.confidence >= this.#confidenceThreshold;
  }

  #ask(stage: Stage, { task, availableServices, context, order }: Question): Outcome | Promise<Outcome> {
    const read = (answer: Answer): Outcome => {
      const cleaned = answer.kind === 'fault' ? answer : this.#clean(stage, answer.value, order);
      if (cleaned.kind === 'fault') this.#reportFault(stage, cleaned);
      return cleaned.kind === 'fault' ? { ...cleaned, stage } : cleaned;
    };
    const answer = answerOf(
      () => stage.strategy.route(task, availableServices, context),
      this.#limitFor(stage),
    );
    return answer instanceof Promise ? answer.then(read) : read(answer);
  }

  #clean(stage: Stage, value: unknown, order: ReadonlyMap<string, number>): Outcome {
    try {
      const ranked = cleanRanking(value, { strategy: stage.name, order, faults: this.#faults });
      return { kind: 'ranked', stage, ranked };
    } catch (cause) {
      return { kind: 'fault', stage, cause };
    }
  }

  #limitFor({ name }: Stage): TimeLimit | undefined {
    if (this.#timeLimit === undefined) return undefined;
    const { clock, timeoutMs } = this.#timeLimit;
    return { clock, timeoutMs, onTimeout: () => routingTimedOut(name, timeoutMs) };
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
