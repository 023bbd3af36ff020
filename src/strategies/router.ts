import { type Clock, type Log, silentLog } from '../core/environment.js';
import { routingTimedOut } from '../core/errors.js';
import type { Ranking, RouteCandidate, RouterPort, RoutingStrategy, ServiceProfile } from '../core/route.js';
import {
  type Answer,
  answerOf,
  assertStrategy,
  DEFAULT_TIMEOUT_SECONDS,
  limitSecondsOf,
  nameOf,
  type TimeLimit,
} from './call-strategy.js';
import { CapabilityStrategy } from './capability-strategy.js';
import { cleanRanking } from './clean-ranking.js';
import { CompositeStrategy } from './composite-strategy.js';
import { FaultLog } from './fault-log.js';
import { KeywordStrategy } from './keyword-strategy.js';
import { type SharedContext, StrategyContext } from './strategy-context.js';

/** Options of {@link createRouter}. */
export interface RouterOptions {
  readonly strategy: RoutingStrategy;
  readonly clock: Clock;
  /** Limit of an asynchronous strategy without a budget of its own, in seconds. Default 1. */
  readonly timeoutSeconds?: number;
  /** What strategies are told of it. Default 0.5. */
  readonly confidenceThreshold?: number;
  /** Where faults of the strategy are reported. Default: nowhere. */
  readonly log?: Log;
  /** Whether the strategy is asked although only one service is there, which gets every task anyway. Default true. */
  readonly ranksOnlyService?: boolean;
}

/** A router whose services can change. */
export interface Router extends RouterPort {
  /** Takes the profiles of all services, in order of registration, and tells the strategy. Never throws. */
  updateProfiles(profiles: ReadonlyMap<string, ServiceProfile>): void;
  /** Gives up what an asynchronous strategy still owes: no timer stays. */
  close(): void;
}

/**
 * Builds the boundary around a strategy: whatever the strategy does, `rank` answers with a clean ranking, empty and with
 * a `cause` when the strategy failed.
 *
 * @throws TypeError when the strategy has no `route` method.
 */
export function createRouter(options: RouterOptions): Router {
  return new StrategyRouter(options);
}

/** Which stages the default strategy has. */
export interface DefaultStrategyOptions {
  /** Default true. */
  readonly useKeywordMatching?: boolean;
  /** Default true. */
  readonly useCapabilityMatching?: boolean;
  /** Confidence, 0 to 1, at which keywords decide alone. Default: the orchestrator's, else 0.5. */
  readonly confidenceThreshold?: number;
  readonly log?: Log;
}

/** Keywords first, then capabilities when no keyword is sure; without both nothing matches. */
export function createDefaultStrategy({
  useKeywordMatching = true,
  useCapabilityMatching = true,
  confidenceThreshold,
  log,
}: DefaultStrategyOptions = {}): CompositeStrategy {
  const strategies = [
    ...(useKeywordMatching ? [new KeywordStrategy()] : []),
    ...(useCapabilityMatching ? [new CapabilityStrategy()] : []),
  ];
  return new CompositeStrategy(strategies, {
    ...(confidenceThreshold === undefined ? {} : { confidenceThreshold }),
    ...(log === undefined ? {} : { log }),
  });
}

/** Frozen: it becomes part of every task's route. */
const NOTHING_TO_CHOOSE: Ranking = { ranked: Object.freeze([]) };

/**
 * Owns: the list of services that the strategy is asked about. Talks to: the strategy, under guard.
 *
 * - L1: `rank` never throws, rejects or hangs, and answers at once unless the strategy is asynchronous.
 * - L2: every candidate of a ranking is registered, each once, with a confidence in 0 to 1.
 */
class StrategyRouter implements Router {
  readonly #strategy: RoutingStrategy;
  readonly #strategyName: string;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #faults: FaultLog;
  #shared: SharedContext;
  /** Answers of an asynchronous strategy that are waited for. */
  readonly #waiting = new Set<() => void>();
  readonly #ranksOnlyService: boolean;
  #services: Services | undefined;

  constructor(options: RouterOptions) {
    const {
      strategy,
      clock,
      timeoutSeconds = DEFAULT_TIMEOUT_SECONDS,
      confidenceThreshold = 0.5,
      log = silentLog,
      ranksOnlyService = true,
    } = options;
    assertStrategy(strategy);
    this.#strategy = strategy;
    this.#strategyName = nameOf(strategy);
    this.#clock = clock;
    this.#timeoutMs = limitSecondsOf(strategy, timeoutSeconds) * 1000;
    this.#shared = { profiles: new Map(), clock, log, timeoutSeconds, confidenceThreshold };
    this.#ranksOnlyService = ranksOnlyService;
    this.#faults = new FaultLog(log);
  }

  updateProfiles(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#shared = { ...this.#shared, profiles };
    // Listed again at the next task, however many services are registered before it.
    this.#services = undefined;
    const answer = answerOf(() => this.#strategy.onRegistryChange?.(profiles));
    if (answer instanceof Promise) answer.then((late) => this.#reportFault(late));
    else this.#reportFault(answer);
  }

  rank(task: string, kwargs?: Readonly<Record<string, unknown>>): Ranking | Promise<Ranking> {
    this.#services ??= listServices(this.#shared.profiles);
    const services = this.#services;
    if (!this.#ranksOnlyService && services.names.length === 1) return NOTHING_TO_CHOOSE;
    const context = new StrategyContext(this.#shared, kwargs);
    const answer = answerOf(
      () => this.#strategy.route(task, services.names, context),
      () => this.#limitFor(context),
    );
    return answer instanceof Promise
      ? answer.then((late) => this.#withoutRemoved(this.#read(late, services), services))
      : this.#read(answer, services);
  }

  close(): void {
    for (const expire of [...this.#waiting]) expire();
  }

  #limitFor(context: StrategyContext): TimeLimit {
    const onTimeout = () => {
      const cause = routingTimedOut(this.#strategyName, this.#timeoutMs);
      context.abort(cause);
      return cause;
    };
    return { clock: this.#clock, timeoutMs: this.#timeoutMs, onTimeout, waiting: this.#waiting };
  }

  #read(answer: Answer, { order }: Services): Ranking {
    const cleaned = answer.kind === 'fault' ? answer : this.#clean(answer.value, order);
    if (!('kind' in cleaned)) return cleaned;
    this.#reportFault(cleaned);
    return { ranked: [], cause: cleaned.cause };
  }

  #clean(value: unknown, order: ReadonlyMap<string, number>): Ranking | (Answer & { kind: 'fault' }) {
    try {
      return { ranked: cleanRanking(value, { strategy: this.#strategyName, order, faults: this.#faults }) };
    } catch (cause) {
      return { kind: 'fault', cause };
    }
  }

  /** A service may go while an asynchronous strategy thinks. */
  #withoutRemoved(ranking: Ranking, asked: Services): Ranking {
    if (this.#services === asked) return ranking;
    const isThere = ({ service }: RouteCandidate) => this.#shared.profiles.has(service);
    return { ...ranking, ranked: ranking.ranked.filter(isThere) };
  }

  #reportFault(answer: Answer): void {
    if (answer.kind !== 'fault') return;
    const { cause } = answer;
    const strategy = this.#strategyName;
    this.#faults.warnOnce('failed', { strategy, cause }, 'the routing strategy failed; nothing matches');
  }
}

/** Names in order of registration, frozen because user code gets them, and the position of each. */
interface Services {
  readonly names: readonly string[];
  readonly order: ReadonlyMap<string, number>;
}

function listServices(profiles: ReadonlyMap<string, ServiceProfile>): Services {
  const names = Object.freeze([...profiles.keys()]);
  return { names, order: new Map(names.map((name, position) => [name, position])) };
}
