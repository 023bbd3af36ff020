import type { Log } from '../core/environment.js';
import { messageOf, misuse } from '../core/errors.js';
import type { AskModel } from '../core/model-ports.js';
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
import { FaultLog } from './fault-log.js';
import { type Choice, choiceOf, MAX_TASK_CHARS, questionOf, readChoice } from './llm-question.js';
import { doubtOf, prefer, refuse } from './llm-verdict.js';
import { LruCache } from './lru-cache.js';
import { ModelGate } from './model-gate.js';
import { createDefaultStrategy } from './router.js';
import { ServiceOrder } from './service-order.js';

/** Options of {@link LlmStrategy}. */
export interface LlmStrategyOptions {
  /** Asks the model: `openaiAsk({ … })`, or a function of one's own. */
  readonly ask: AskModel;
  /** Ranks every task; the model is asked only where this is unsure. Default: keywords, then capabilities. */
  readonly local?: RoutingStrategy;
  /** Confidence, 0 to 1, below which the local ranking is unsure. Default: the orchestrator's, else 0.5. */
  readonly confidenceThreshold?: number;
  /** Budget of one question, in seconds. It is asked once. Default 3. */
  readonly timeoutSeconds?: number;
  /** Most services that the model may choose from, 2 or more. Default 10. */
  readonly maxCandidates?: number;
  /** Answers that are remembered, 0 or more. Default 1,000. */
  readonly cacheSize?: number;
  /** Where faults are reported. Default: the orchestrator's log. */
  readonly log?: Log;
}

/**
 * Routes by a local strategy, and asks a language model where that is unsure: when the best candidate stays below the
 * threshold, or two are closer than 0.05. The model chooses among the best local candidates (filled up with further
 * services in order of registration) or none of them; nothing else counts as an answer.
 *
 * Answers at once while the local ranking is sure. A model that fails, is late or answers something else leaves the
 * local ranking as it is, with one warning; after three failures in a row it is left alone for a while. The text of a
 * task and what services say of themselves can at most make the model choose another of the candidates. Of the caller
 * the model sees the task (its first 4,096 characters), never the arguments.
 *
 * @example new LlmStrategy({ ask: openaiAsk({ baseURL: 'http://127.0.0.1:11434/v1', model: 'llama3.2' }) })
 */
export class LlmStrategy implements RoutingStrategy {
  readonly name = 'llm';
  readonly #ask: AskModel;
  readonly #local: RoutingStrategy;
  readonly #confidenceThreshold: number | undefined;
  readonly #timeoutSeconds: number;
  readonly #maxCandidates: number;
  readonly #gate: ModelGate;
  readonly #faults: FaultLog;
  readonly #order = new ServiceOrder();
  readonly #cacheSize: number;
  /** A service by question; null for none of them. Renewed when descriptions may have changed. */
  #chosen: LruCache<{ readonly service: string | null }>;
  /** Questions that wait for their answer: of equal tasks only the first one is asked. */
  readonly #asked = new Map<string, Promise<string | null | undefined>>();

  /** @throws TypeError when an option is not valid. */
  constructor(options: LlmStrategyOptions) {
    const { ask, local = createDefaultStrategy(), confidenceThreshold, timeoutSeconds = 3 } = options;
    const { maxCandidates = 10, cacheSize = 1000, log } = options;
    if (typeof ask !== 'function')
      throw misuse('LlmStrategy needs { ask }, a function such as openaiAsk({ … }).');
    assertStrategy(local);
    if (confidenceThreshold !== undefined && !(confidenceThreshold >= 0 && confidenceThreshold <= 1)) {
      throw misuse(`confidenceThreshold must be 0 to 1, not ${confidenceThreshold}.`);
    }
    if (!(timeoutSeconds > 0)) throw misuse(`timeoutSeconds must be above 0, not ${timeoutSeconds}.`);
    if (!(maxCandidates >= 2)) throw misuse(`maxCandidates must be 2 or more, not ${maxCandidates}.`);
    if (!(cacheSize >= 0)) throw misuse(`cacheSize must be 0 or more, not ${cacheSize}.`);
    this.#ask = ask;
    this.#local = local;
    this.#confidenceThreshold = confidenceThreshold;
    this.#timeoutSeconds = timeoutSeconds;
    this.#maxCandidates = maxCandidates;
    this.#gate = new ModelGate(this.name, timeoutSeconds);
    this.#faults = new FaultLog(log);
    this.#cacheSize = cacheSize;
    this.#chosen = new LruCache(cacheSize);
  }

  /** The limit of the local strategy, and then the budget of the question. */
  budgetSeconds(timeoutSeconds: number): number {
    return limitSecondsOf(this.#local, timeoutSeconds) + this.#timeoutSeconds;
  }

  /** Tells the local strategy, and forgets what the model chose. */
  onRegistryChange(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#chosen = new LruCache(this.#cacheSize);
    this.#asked.clear();
    const answer = answerOf(() => this.#local.onRegistryChange?.(profiles));
    if (answer instanceof Promise) void answer.then((late) => this.#reportLocalFault(late));
    else this.#reportLocalFault(answer);
  }

  /** Ranks the services; a promise only when the model is asked or the local strategy is asynchronous. */
  route(
    task: string,
    availableServices: readonly string[],
    context: RouteContext,
  ): RouteCandidate[] | Promise<RouteCandidate[]> {
    this.#faults.defaultTo(context.log);
    const question = { task, availableServices, context };
    const goOn = (answer: Answer) => this.#consider(question, this.#read(answer, availableServices));
    const answer = callStrategy(this.#local, question);
    return answer instanceof Promise ? answer.then(goOn) : goOn(answer);
  }

  #read(answer: Answer, availableServices: readonly string[]): RouteCandidate[] {
    this.#reportLocalFault(answer);
    if (answer.kind === 'fault') return [];
    try {
      const order = this.#order.of(availableServices);
      return cleanRanking(answer.value, { strategy: nameOf(this.#local), order, faults: this.#faults });
    } catch (cause) {
      this.#reportLocalFault({ kind: 'fault', cause });
      return [];
    }
  }

  #consider(question: Question, ranked: RouteCandidate[]): RouteCandidate[] | Promise<RouteCandidate[]> {
    const { task, availableServices, context } = question;
    const threshold = this.#confidenceThreshold ?? context.confidenceThreshold ?? 0.5;
    const doubt = doubtOf(ranked, threshold);
    const names = new Set([...ranked.map(({ service }) => service), ...availableServices]);
    const choice = choiceOf([...names].slice(0, this.#maxCandidates));
    if (doubt === undefined || choice.services.length < 2) return ranked;
    const shown = task.slice(0, MAX_TASK_CHARS);
    const key = JSON.stringify([shown, choice.services]);
    const decide = (service: string | null | undefined): RouteCandidate[] => {
      if (service === undefined) return ranked;
      return service === null
        ? refuse(ranked, threshold, choice.services)
        : prefer(service, ranked, threshold, doubt);
    };
    const known = this.#chosen.get(key);
    if (known !== undefined) return decide(known.service);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked.then(decide);
    return this.#gate.isOpen(context) ? this.#askFor(key, shown, choice, context).then(decide) : ranked;
  }

  #askFor(
    key: string,
    task: string,
    choice: Choice,
    context: RouteContext,
  ): Promise<string | null | undefined> {
    const chosen = this.#chosen;
    const question = questionOf(task, choice, context.profiles);
    const asked = this.#gate
      .call(context, (signal) => this.#ask(question, signal))
      .then((answer) => {
        if (this.#asked.get(key) === asked) this.#asked.delete(key);
        if (answer.kind === 'fault') {
          this.#report(
            'the language model could not be asked; the local ranking stands',
            messageOf(answer.cause),
          );
          return undefined;
        }
        const service = readChoice(answer.value, choice);
        // What it said instead stays out of the log: it may repeat the task.
        if (service === undefined)
          this.#report('the language model answered with none of the choices; the local ranking stands');
        else chosen.set(key, { service });
        return service;
      });
    this.#asked.set(key, asked);
    return asked;
  }

  #reportLocalFault(answer: Answer): void {
    if (answer.kind !== 'fault') return;
    const strategy = nameOf(this.#local);
    this.#faults.warnOnce(
      'local',
      { strategy, cause: answer.cause },
      'a routing strategy failed and was skipped',
    );
  }

  /** Only the message of an error is told: errors of HTTP clients carry headers, and those the key. */
  #report(message: string, error?: string): void {
    this.#faults.warnOnce(
      message,
      { strategy: this.name, ...(error === undefined ? {} : { error }) },
      message,
    );
  }
}
