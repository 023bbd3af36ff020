import type { ServiceProfile } from '../core/route.js';
import type { FeatureCounts } from './features.js';
import { textsOf } from './service-texts.js';

/** Features of one text: `buckets[i]` occurs `counts[i]` times. */
export interface CountedText {
  readonly buckets: Int32Array;
  readonly counts: Uint16Array;
}

/** What an index needs to know of one service. */
export interface CountedService {
  readonly service: string;
  readonly isTrusted: boolean;
  /** A descriptor first, unless it has no words, then each example. */
  readonly texts: readonly CountedText[];
  /** Words per text on average; 0 without texts. */
  readonly meanWords: number;
}

/**
 * Counts the features of profiles, of each profile once: reading, stemming and hashing its texts is nearly all the time
 * of an index build, and most profiles stay as they are when the registry changes.
 *
 * L1: a profile is known by its identity, so a changed one must be another object.
 */
export class CountedProfiles {
  readonly #counts: FeatureCounts;
  #known = new Map<ServiceProfile, CountedService>();

  /** @param counts - Scratch space, overwritten at each call. */
  constructor(counts: FeatureCounts) {
    this.#counts = counts;
  }

  /** The services of these profiles, in their order; forgets all others. */
  of(profiles: Iterable<ServiceProfile>): readonly CountedService[] {
    const known = new Map<ServiceProfile, CountedService>();
    const services: CountedService[] = [];
    for (const profile of profiles) {
      const service = this.#known.get(profile) ?? this.#count(profile);
      known.set(profile, service);
      services.push(service);
    }
    this.#known = known;
    return services;
  }

  #count(profile: ServiceProfile): CountedService {
    const { service, isTrusted, texts } = textsOf(profile);
    const words = texts.reduce((sum, text) => sum + text.length, 0);
    return {
      service,
      isTrusted,
      texts: texts.map((text) => countText(text, this.#counts)),
      meanWords: texts.length === 0 ? 0 : words / texts.length,
    };
  }
}

/** @param counts - Scratch space. */
function countText(words: readonly string[], counts: FeatureCounts): CountedText {
  counts.read(words);
  return { buckets: counts.touched.slice(0, counts.size), counts: counts.counts.slice(0, counts.size) };
}
