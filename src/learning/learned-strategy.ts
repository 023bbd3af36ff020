import { learnedModelMissing, misuse } from '../core/errors.js';
import type { RouteCandidate, RoutingStrategy, ServiceProfile } from '../core/route.js';
import { bestThreshold } from '../strategies/calibration.js';
import type { LabelledTask } from '../strategies/capability-strategy.js';
import {
  type Correction,
  decodeLearned,
  encodeLearned,
  isTau,
  MAX_LEARNED_FILE_BYTES,
} from '../strategies/learned-file.js';
import { LearnedModel } from '../strategies/learned-model.js';
import { ServiceOrder } from '../strategies/service-order.js';
import { mostSimilar } from '../strategies/top-list.js';
import { readWords } from '../strategies/words.js';
import { jobFor } from './training-job.js';

/** Options of {@link LearnedStrategy}. */
export interface LearnedStrategyOptions {
  /** Score that means a confidence of 0.5, above 0 and at most 1. Default 0.33. */
  readonly tau?: number;
  /** Most candidates in an answer, 1 or more. Default 10. */
  readonly maxCandidates?: number;
  /** Most corrections that are kept, 1 or more; beyond it the oldest goes. Default 10,000. */
  readonly maxCorrections?: number;
}

/** Options of {@link LearnedStrategy.train}. */
export interface TrainOptions {
  /** Services to learn, 2 or more. Default: all that are trusted or have corrections. */
  readonly services?: readonly string[];
  /** Decides the order in which examples are seen: one seed and the same examples give the same model. Default 1. */
  readonly seed?: number;
  /** Ends the training; the model stays what it was. */
  readonly signal?: AbortSignal;
}

/** Longest task of a correction that is kept, in characters. */
const MAX_CORRECTION_CHARS = 2048;

/** Candidates of an answer that come with reasons. */
const MAX_EXPLAINED = 3;

/**
 * Routes by what it has learned from examples: softmax regression over the words of the services' examples and of
 * recorded corrections. With 20 and more examples a service it is right more often than `CapabilityStrategy`; with fewer
 * it does not train. Until it is trained or loaded it knows nothing and answers with no candidate, so that a composite
 * asks its next strategy.
 *
 * The confidence is `x / (x + tau)` of the score x (0 is the mean of all services, 1 a perfectly learned example): 0.5 is
 * the balanced point, and 0.75 about the most there is.
 *
 * It follows the registry only as far as removed services are concerned: train again when services were added. Texts of
 * profiles that are not trusted are never learned; corrections for them are.
 *
 * @example
 * const learned = new LearnedStrategy();
 * const strategy = new CompositeStrategy([new KeywordStrategy(), learned, new CapabilityStrategy()]);
 * const orchestrator = createOrchestrator({ services, strategy });
 * await learned.train(); // in a thread; tasks are routed meanwhile
 * learned.learn('why is my card blocked', 'cards'); // from the next training on
 * await learned.save('routing.gaffr');
 */
export class LearnedStrategy implements RoutingStrategy {
  readonly name = 'learned';
  readonly #maxCandidates: number;
  readonly #maxCorrections: number;
  /** Service by task, the oldest first. */
  readonly #corrections = new Map<string, string>();
  readonly #order = new ServiceOrder();
  /** Place of each service of the model in the list of available ones, -1 for others. */
  #positions:
    | { readonly model: LearnedModel; readonly version: number; readonly places: Int32Array }
    | undefined;
  #tau: number;
  #profiles: ReadonlyMap<string, ServiceProfile> = new Map();
  #model: LearnedModel | undefined;
  #isTraining = false;

  /** @throws TypeError when an option is out of range. */
  constructor({ tau = 0.33, maxCandidates = 10, maxCorrections = 10_000 }: LearnedStrategyOptions = {}) {
    if (!isTau(tau)) throw misuse(`tau must be above 0 and at most 1, not ${tau}.`);
    if (!(maxCandidates >= 1)) throw misuse(`maxCandidates must be 1 or more, not ${maxCandidates}.`);
    if (!(maxCorrections >= 1)) throw misuse(`maxCorrections must be 1 or more, not ${maxCorrections}.`);
    this.#tau = tau;
    this.#maxCandidates = maxCandidates;
    this.#maxCorrections = maxCorrections;
  }

  /** Score that means a confidence of 0.5. */
  get tau(): number {
    return this.#tau;
  }

  /** Services that it can tell apart, in the order in which they were registered; none before it is trained. */
  get services(): readonly string[] {
    return this.#model?.weights.services ?? [];
  }

  /** Corrections that are kept, the oldest first. */
  get corrections(): readonly Correction[] {
    return Array.from(this.#corrections, ([task, service]) => ({ task, service }));
  }

  /** Takes the examples of these profiles for the next training. */
  onRegistryChange(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#profiles = profiles;
  }

  /** Ranks the services that it has learned; equal ones in the order of `availableServices`. */
  route(task: string, availableServices: readonly string[]): RouteCandidate[] {
    const model = this.#model;
    if (model === undefined) return [];
    const { words } = readWords(task);
    model.score(words);
    return mostSimilar(model.scores, this.#positionsIn(availableServices, model), this.#maxCandidates).map(
      (k, place) => {
        const score = model.scores[k] as number;
        return {
          service: model.weights.services[k] as string,
          confidence: score / (score + this.#tau),
          strategy: 'learned',
          ...(place < MAX_EXPLAINED ? { reasons: model.reasonsFor(k, words) } : {}),
        };
      },
    );
  }

  /**
   * Records that a task belongs to a service, for the next training. Given again for the same task, the last service
   * counts; of a long task the first 2,048 characters are kept.
   *
   * @throws TypeError when the task has no letter or digit, or the service no name.
   */
  learn(task: string, service: string): void {
    if (typeof task !== 'string' || readWords(task).words.length === 0) {
      throw misuse('learn() needs a task with a letter or digit.');
    }
    if (typeof service !== 'string' || service === '') throw misuse('learn() needs the name of a service.');
    this.#record(task.slice(0, MAX_CORRECTION_CHARS), service);
  }

  /**
   * Trains in a thread of its own, from the examples of the registered services and from the corrections; the tasks that
   * come meanwhile are routed by the model of before. Takes seconds for thousands of examples.
   *
   * @throws TypeError when a service has fewer than 20 examples and corrections (all such are named), fewer than two
   *   services are to be learned, one is not registered, or a training is on its way; OrchestratorError `INTERNAL` when
   *   the thread dies; the reason of the signal when that fires.
   */
  async train({ services, seed = 1, signal }: TrainOptions = {}): Promise<void> {
    if (this.#isTraining) throw misuse('train() is on its way; wait for it to end before training again.');
    const job = jobFor({ profiles: this.#profiles, corrections: this.#corrections, services, seed });
    this.#isTraining = true;
    try {
      const { trainInThread } = await import('./training-thread.js');
      this.#model = new LearnedModel(await trainInThread(job, signal));
    } finally {
      this.#isTraining = false;
    }
  }

  /**
   * Chooses the tau that best tells the tasks that should be routed from those that should not, and uses it from then
   * on. Include tasks that belong to no service. Do not use tasks that it was trained on.
   *
   * @returns The tau, above 0 and at most 1.
   * @throws TypeError when no task is given; OrchestratorError `INVALID_INPUT` before it is trained or loaded.
   */
  calibrate(labelled: readonly LabelledTask[]): number {
    if (labelled.length === 0) throw misuse('calibrate() needs at least one labelled task.');
    const model = this.#trained('calibrate()');
    const outcomes = labelled.map(({ text, service: right }) => {
      model.score(readWords(text).words);
      const best = model.scores.reduce(
        (best, score, k, all) => (score > (all[best] as number) ? k : best),
        0,
      );
      const isRight = model.weights.services[best] === right;
      return { similarity: Math.max(0, model.scores[best] as number), isRight, isForeign: right === null };
    });
    this.#tau = bestThreshold(outcomes) ?? this.#tau;
    return this.#tau;
  }

  /**
   * Writes the model, the tau and the corrections to a file, which is replaced in one step. The file holds the texts of
   * the corrections.
   *
   * @throws OrchestratorError `INVALID_INPUT` before it is trained or loaded; the error of the file system.
   */
  async save(path: string): Promise<void> {
    const { weights: model } = this.#trained('save()');
    const bytes = encodeLearned({ model, corrections: this.corrections, tau: this.#tau });
    const { writeModelFile } = await import('./model-file.js');
    await writeModelFile(path, bytes);
  }

  /**
   * Takes model, tau and corrections from a file that {@link save} wrote, in place of what it has.
   *
   * @throws OrchestratorError `INVALID_INPUT` when the file is none of these, of another version, for features that this
   *   version does not compute, or damaged; the error of the file system. It stays what it was then.
   */
  async load(path: string): Promise<void> {
    const { readModelFile } = await import('./model-file.js');
    const state = decodeLearned(await readModelFile(path, MAX_LEARNED_FILE_BYTES), path);
    this.#model = new LearnedModel(state.model);
    this.#tau = state.tau;
    this.#corrections.clear();
    for (const { task, service } of state.corrections) this.#record(task, service);
  }

  #positionsIn(availableServices: readonly string[], model: LearnedModel): Int32Array {
    const order = this.#order.of(availableServices);
    if (this.#positions?.model !== model || this.#positions.version !== this.#order.version) {
      const places = Int32Array.from(model.weights.services, (service) => order.get(service) ?? -1);
      this.#positions = { model, version: this.#order.version, places };
    }
    return this.#positions.places;
  }

  #record(task: string, service: string): void {
    this.#corrections.delete(task);
    this.#corrections.set(task, service);
    for (const [oldest] of this.#corrections) {
      if (this.#corrections.size <= this.#maxCorrections) break;
      this.#corrections.delete(oldest);
    }
  }

  #trained(what: string): LearnedModel {
    if (this.#model === undefined) throw learnedModelMissing(what);
    return this.#model;
  }
}
