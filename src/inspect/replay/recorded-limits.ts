import { lastIndex } from '../history-player.js';
import type { Recording } from './read-recording.js';

interface Change {
  /** Place of the fact that changed it. */
  readonly place: number;
  readonly limit: number | null;
}

/** Owns: how the limits of a recording changed. Talks to nobody. */
export class RecordedLimits {
  readonly #limits: Recording['limits'];
  /** By service; `maxParallel` under null. */
  readonly #changes = new Map<string | null, Change[]>();

  constructor({ events, limits }: Recording) {
    this.#limits = limits;
    for (const [place, event] of events.entries()) {
      if (event.type !== 'resized') continue;
      const changes = this.#changes.get(event.service) ?? [];
      changes.push({ place, limit: event.limit });
      this.#changes.set(event.service, changes);
    }
  }

  /**
   * @param service - Null: `maxParallel`.
   * @returns Null: without limit, or not known.
   */
  at(service: string | null, facts: number): number | null {
    const changes = this.#changes.get(service) ?? [];
    const change = changes[lastIndex(changes, ({ place }) => place < facts)];
    if (change !== undefined) return change.limit;
    const { maxParallel, concurrency = {} } = this.#limits;
    if (service === null) return maxParallel ?? null;
    return (Object.hasOwn(concurrency, service) ? concurrency[service] : undefined) ?? null;
  }
}
