import { NEAR_TIE } from '../core/decide-route.js';
import { misuse } from '../core/errors.js';
import type {
  RouteCandidate,
  RouteContext,
  RouteReason,
  RoutingStrategy,
  ServiceProfile,
} from '../core/route.js';
import { bestThreshold } from './calibration.js';
import { nearestExample, type TellingWord, tellingTerms, tellingWords } from './capability-reasons.js';
import { CentroidIndex } from './centroid-index.js';
import { CountedProfiles, type CountedService } from './counted-profiles.js';
import { FeatureCounts } from './features.js';
import { ServiceOrder } from './service-order.js';
import { textsIn } from './service-texts.js';
import { mostSimilar } from './top-list.js';
import { readWords } from './words.js';

/** Options of {@link CapabilityStrategy}. */
export interface CapabilityStrategyOptions {
  /** Similarity that means a confidence of 0.5, above 0 and at most 1. Default 0.21. */
  readonly tau?: number;
  /** Most candidates in an answer, 1 or more. Default 10. */
  readonly maxCandidates?: number;
}

/** A task whose right service is known; `service: null` for one that belongs to none. */
export interface LabelledTask {
  readonly text: string;
  readonly service: string | null;
}

/** Candidates of an answer that come with reasons: the first of them, unless there is next to nothing to explain. */
const MAX_EXPLAINED = 3;
const WORTH_EXPLAINING = 0.2;

/** Least confidence for which examples are searched for the nearest: that takes longer than the routing. */
const WORTH_AN_EXAMPLE = 0.35;

/**
 * Routes by what services say of themselves: name, description, capabilities, tools and, above all, examples of tasks.
 * Misspelled and related words count too. Needs no model and no network.
 *
 * The confidence is `x / (x + tau)` of the similarity x: 0.5 is the balanced point, and even a perfect match stays
 * below 0.83. A `confidenceThreshold` of 0.6 or more therefore refuses most of what this strategy knows.
 */
export class CapabilityStrategy implements RoutingStrategy {
  readonly name = 'capability';
  readonly #maxCandidates: number;
  readonly #order = new ServiceOrder();
  readonly #counts = new FeatureCounts();
  readonly #counted = new CountedProfiles(this.#counts);
  #tau: number;
  #profiles: ReadonlyMap<string, ServiceProfile> = new Map();
  #isTold = false;
  #services: readonly CountedService[] = [];
  #untrusted: ReadonlySet<string> = new Set();
  readonly #index = new CentroidIndex(this.#counts);
  #isIndexed = false;
  /** Position of each service of the index in the list of available ones, -1 for others. */
  #positions = new Int32Array();
  #positionsVersion = -1;

  /** @throws TypeError when an option is out of range. */
  constructor({ tau = 0.21, maxCandidates = 10 }: CapabilityStrategyOptions = {}) {
    if (!(tau > 0 && tau <= 1)) throw misuse(`tau must be above 0 and at most 1, not ${tau}.`);
    if (!(maxCandidates >= 1)) throw misuse(`maxCandidates must be 1 or more, not ${maxCandidates}.`);
    this.#tau = tau;
    this.#maxCandidates = maxCandidates;
  }

  /** Similarity that means a confidence of 0.5. */
  get tau(): number {
    return this.#tau;
  }

  /**
   * Takes the texts of these profiles; the index is built at the next call, however many changes come before it. Profiles
   * that were there before are not read again, so a changed profile must be another object.
   */
  onRegistryChange(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#profiles = profiles;
    this.#isTold = true;
    this.#isIndexed = false;
  }

  /** Ranks the services by likeness; equal ones in the order of `availableServices`. */
  route(
    task: string,
    availableServices: readonly string[],
    context?: Pick<RouteContext, 'profiles'>,
  ): RouteCandidate[] {
    const index = this.#currentIndex(context?.profiles);
    const { words } = readWords(task);
    index.query(words);
    const best = mostSimilar(index.similarities, this.#positionsIn(availableServices), this.#maxCandidates);
    let telling: readonly TellingWord[] | undefined;
    const candidates: RouteCandidate[] = [];
    for (const service of best) {
      const name = (this.#services[service] as CountedService).service;
      const similarity = index.similarities[service] as number;
      const confidence = similarity / (similarity + this.#tau);
      if (candidates.length < MAX_EXPLAINED && confidence >= WORTH_EXPLAINING) {
        telling ??= tellingWords(words);
        const reasons = this.#reasonsFor(service, telling, index, confidence);
        candidates.push({ service: name, confidence, strategy: 'capability', reasons });
      } else {
        candidates.push({ service: name, confidence, strategy: 'capability' });
      }
    }
    return this.#untrusted.size === 0 ? candidates : preferTrusted(candidates, this.#untrusted);
  }

  /**
   * Chooses the tau that best tells the tasks that should be routed from those that should not, and uses it from then
   * on. Include tasks that belong to no service. Without any, wrongly routed ones stand in for them.
   *
   * @returns The tau, above 0 and at most 1.
   * @throws TypeError when no task is given.
   */
  calibrate(labelled: readonly LabelledTask[]): number {
    if (labelled.length === 0) throw misuse('calibrate() needs at least one labelled task.');
    const index = this.#currentIndex(undefined);
    const positions = Int32Array.from(this.#services.keys());
    const outcomes = labelled.map(({ text, service: right }) => {
      index.query(readWords(text).words);
      const [best] = mostSimilar(index.similarities, positions, 1);
      if (best === undefined) return { similarity: 0, isRight: false, isForeign: right === null };
      const isRight = this.#services[best]?.service === right;
      return { similarity: index.similarities[best] as number, isRight, isForeign: right === null };
    });
    this.#tau = bestThreshold(outcomes) ?? this.#tau;
    return this.#tau;
  }

  /** A strategy that nobody tells of registry changes follows the profiles that come with the calls. */
  #currentIndex(profiles: ReadonlyMap<string, ServiceProfile> | undefined): CentroidIndex {
    if (!this.#isTold && profiles !== undefined && profiles !== this.#profiles) {
      this.#profiles = profiles;
      this.#isIndexed = false;
    }
    if (!this.#isIndexed) {
      this.#services = this.#counted.of(this.#profiles.values());
      this.#untrusted = new Set(
        this.#services.filter(({ isTrusted }) => !isTrusted).map(({ service }) => service),
      );
      this.#index.fill(this.#services);
      this.#isIndexed = true;
      this.#positionsVersion = -1;
    }
    return this.#index;
  }

  #positionsIn(availableServices: readonly string[]): Int32Array {
    const order = this.#order.of(availableServices);
    if (this.#positionsVersion !== this.#order.version) {
      this.#positions = Int32Array.from(this.#services, ({ service }) => order.get(service) ?? -1);
      this.#positionsVersion = this.#order.version;
    }
    return this.#positions;
  }

  #reasonsFor(
    service: number,
    words: readonly TellingWord[],
    index: CentroidIndex,
    confidence: number,
  ): readonly RouteReason[] {
    const terms = tellingTerms(words, (bucket) => index.contribution(bucket, service));
    if (terms.length > 0 || confidence < WORTH_AN_EXAMPLE) return terms;
    const profile = this.#profiles.get((this.#services[service] as CountedService).service);
    return nearestExample(textsIn(profile?.examples), (example) => index.similarityTo(example));
  }
}

/**
 * Puts the best trusted service before untrusted ones that are less than {@link NEAR_TIE} above it, and those a hair
 * below its confidence: a server that copies another's description must not take over its tasks.
 */
export function preferTrusted(
  candidates: readonly RouteCandidate[],
  untrusted: ReadonlySet<string>,
): RouteCandidate[] {
  const at = candidates.findIndex(({ service }) => !untrusted.has(service));
  const trusted = candidates[at];
  if (trusted === undefined) return [...candidates];
  const isNear = ({ confidence }: RouteCandidate) => confidence - trusted.confidence < NEAR_TIE;
  const before = candidates.slice(0, at);
  const confidence = trusted.confidence * (1 - 2 ** -40);
  return [
    ...before.filter((candidate) => !isNear(candidate)),
    trusted,
    ...before.filter(isNear).map((candidate) => ({ ...candidate, confidence })),
    ...candidates.slice(at + 1),
  ];
}
