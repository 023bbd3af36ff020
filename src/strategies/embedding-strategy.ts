import type { Log } from '../core/environment.js';
import { messageOf, misuse } from '../core/errors.js';
import type { EmbedTexts } from '../core/model-ports.js';
import type {
  RouteCandidate,
  RouteContext,
  RouteReason,
  RoutingStrategy,
  ServiceProfile,
} from '../core/route.js';
import { bestThreshold } from './calibration.js';
import { type LabelledTask, preferTrusted } from './capability-strategy.js';
import { EmbeddingIndex, type ServiceSimilarity } from './embedding-index.js';
import { FaultLog } from './fault-log.js';
import { ModelGate } from './model-gate.js';
import { ServiceOrder } from './service-order.js';

/** Options of {@link EmbeddingStrategy}. */
export interface EmbeddingStrategyOptions {
  /** Turns texts into vectors: `openaiEmbed({ … })`, or a function over a library of one's own. */
  readonly embed: EmbedTexts;
  /** Similarity that means a confidence of 0.5, between -1 and 1. Default 0.5; it differs from model to model: calibrate. */
  readonly balance?: number;
  /** Budget of one answer, in seconds. Default 3. */
  readonly timeoutSeconds?: number;
  /** Most texts of one call, 1 or more. Default 64. */
  readonly batchSize?: number;
  /** Most candidates in an answer, 1 or more. Default 10. */
  readonly maxCandidates?: number;
  /** Where faults are reported. Default: the orchestrator's log. */
  readonly log?: Log;
}

/** How fast the confidence turns from no to yes around the balance: 0.1 above it is 0.77, 0.1 below 0.23. */
const STEEPNESS = 12;

/** Candidates of an answer that come with reasons: the first of them. */
const MAX_EXPLAINED = 3;

/**
 * Routes by the meaning of texts, as an embedding model sees it: a task is compared with the centroid of what each service
 * says of itself and of its examples. These are embedded when a task first needs them, in batches, and again only when
 * they change; tasks that come meanwhile wait for the same build, within their budget.
 *
 * A model that fails, is late or answers no proper vectors leads to an empty ranking, with one warning; after three
 * failures in a row it is left alone for a while. Put the strategy into a composite behind one that needs no network.
 *
 * The confidence is `1 / (1 + e^(-12 × (cosine - balance)))`. Models differ in what their cosines mean: use `calibrate`.
 *
 * @example
 * const embed = openaiEmbed({ baseURL: 'http://127.0.0.1:11434/v1', model: 'nomic-embed-text' });
 * new CompositeStrategy([new KeywordStrategy(), new EmbeddingStrategy({ embed, balance: 0.62 })]);
 */
export class EmbeddingStrategy implements RoutingStrategy {
  readonly name = 'embedding';
  readonly #index: EmbeddingIndex;
  readonly #timeoutSeconds: number;
  readonly #maxCandidates: number;
  readonly #gate: ModelGate;
  readonly #faults: FaultLog;
  readonly #order = new ServiceOrder();
  #balance: number;
  #profiles: ReadonlyMap<string, ServiceProfile> = new Map();
  #untrusted: ReadonlySet<string> = new Set();
  #isTold = false;

  /** @throws TypeError when an option is not valid. */
  constructor({
    embed,
    balance = 0.5,
    timeoutSeconds = 3,
    batchSize = 64,
    maxCandidates = 10,
    log,
  }: EmbeddingStrategyOptions) {
    if (typeof embed !== 'function') {
      throw misuse('EmbeddingStrategy needs { embed }, a function such as openaiEmbed({ … }).');
    }
    if (!(balance > -1 && balance < 1)) throw misuse(`balance must be between -1 and 1, not ${balance}.`);
    if (!(timeoutSeconds > 0)) throw misuse(`timeoutSeconds must be above 0, not ${timeoutSeconds}.`);
    if (!(batchSize >= 1)) throw misuse(`batchSize must be 1 or more, not ${batchSize}.`);
    if (!(maxCandidates >= 1)) throw misuse(`maxCandidates must be 1 or more, not ${maxCandidates}.`);
    this.#index = new EmbeddingIndex(embed, Math.floor(batchSize));
    this.#balance = balance;
    this.#timeoutSeconds = timeoutSeconds;
    this.#maxCandidates = maxCandidates;
    this.#gate = new ModelGate(this.name, timeoutSeconds);
    this.#faults = new FaultLog(log);
  }

  /** Similarity that means a confidence of 0.5. */
  get balance(): number {
    return this.#balance;
  }

  budgetSeconds(): number {
    return this.#timeoutSeconds;
  }

  /** Takes the texts of these profiles. Nothing is embedded before a task needs it. */
  onRegistryChange(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#isTold = true;
    this.#take(profiles);
  }

  /** Ranks the services by likeness, equal ones in the order of `availableServices`. Never rejects. */
  async route(
    task: string,
    availableServices: readonly string[],
    context: RouteContext,
  ): Promise<RouteCandidate[]> {
    this.#faults.defaultTo(context.log);
    // A strategy that nobody tells of registry changes follows the profiles that come with the calls.
    if (!this.#isTold && context.profiles !== this.#profiles) this.#take(context.profiles);
    if (!this.#gate.isOpen(context)) return [];
    const answer = await this.#gate.call(context, (signal) => this.#index.compare(task, signal));
    if (answer.kind === 'answer') return this.#rank(answer.value as ServiceSimilarity[], availableServices);
    // Only the message: errors of HTTP clients carry headers, and those the key.
    const facts = { strategy: this.name, error: messageOf(answer.cause) };
    this.#faults.warnOnce('embed', facts, 'texts could not be embedded; nothing matches');
    return [];
  }

  /**
   * Chooses the balance that best tells the tasks that should be routed from those that should not, and uses it from
   * then on. Include tasks that belong to no service. Without any, wrongly routed ones stand in for them. Has no limit of
   * time but the signal.
   *
   * @returns The balance. Rejects when no task is given, or a text cannot be embedded.
   */
  async calibrate(
    labelled: readonly LabelledTask[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<number> {
    if (labelled.length === 0) throw misuse('calibrate() needs at least one labelled task.');
    const compared = await Promise.all(labelled.map(({ text }) => this.#index.compare(text, signal)));
    const outcomes = labelled.map(({ service: right }, at) => {
      const best = bestOf(compared[at] ?? []);
      return {
        similarity: best?.similarity ?? 0,
        isRight: best !== undefined && best.service === right,
        isForeign: right === null,
      };
    });
    this.#balance = bestThreshold(outcomes) ?? this.#balance;
    return this.#balance;
  }

  #take(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#profiles = profiles;
    this.#untrusted = new Set(
      [...profiles.values()].filter(({ trusted }) => trusted === false).map(({ name }) => name),
    );
    this.#index.setProfiles(profiles);
  }

  #rank(similarities: readonly ServiceSimilarity[], availableServices: readonly string[]): RouteCandidate[] {
    const order = this.#order.of(availableServices);
    const position = ({ service }: ServiceSimilarity): number => order.get(service) ?? -1;
    const best = similarities
      .filter((each) => position(each) >= 0)
      .sort((a, b) => b.similarity - a.similarity || position(a) - position(b))
      .slice(0, this.#maxCandidates);
    const candidates = best.map((each, at) => ({
      service: each.service,
      confidence: 1 / (1 + Math.exp(-STEEPNESS * (each.similarity - this.#balance))),
      strategy: this.name,
      ...(at < MAX_EXPLAINED ? { reasons: [reasonOf(each)] } : {}),
    }));
    return this.#untrusted.size === 0 ? candidates : preferTrusted(candidates, this.#untrusted);
  }
}

function reasonOf({ similarity, nearestExample }: ServiceSimilarity): RouteReason {
  const example = nearestExample();
  if (example !== undefined) return { kind: 'example', ...example };
  return { kind: 'custom', note: `similarity ${similarity.toFixed(2)} to its description` };
}

function bestOf(similarities: readonly ServiceSimilarity[]): ServiceSimilarity | undefined {
  return similarities.reduce<ServiceSimilarity | undefined>(
    (best, each) => (best === undefined || each.similarity > best.similarity ? each : best),
    undefined,
  );
}
