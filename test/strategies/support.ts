import type { Clock, Log } from '../../src/core/environment.js';
import type { Ranking, RouteCandidate, RouteContext, ServiceProfile } from '../../src/core/route.js';

/** The four built-in services in order of registration. */
export const BUILT_IN = ['chat', 'vision', 'responses', 'reasoning'];

/** Profiles by name, in the order given; a plain name is a profile with nothing else. */
export function profilesOf(
  ...profiles: readonly (string | ServiceProfile)[]
): ReadonlyMap<string, ServiceProfile> {
  return new Map(
    profiles.map((given) => {
      const profile = typeof given === 'string' ? { name: given } : given;
      return [profile.name, profile];
    }),
  );
}

/** A context as a router would give it. */
export function contextOf(
  profiles: ReadonlyMap<string, ServiceProfile> = new Map(),
  fields: Partial<RouteContext> = {},
): RouteContext {
  return { profiles, signal: new AbortController().signal, ...fields };
}

/** `vision 0.9375, responses 0.2500`: the tables of the tests are written like this. */
export function textOf(ranked: readonly RouteCandidate[]): string {
  return ranked.map(({ service, confidence }) => `${service} ${confidence.toFixed(4)}`).join(', ');
}

/** The ranking of a router that must answer at once. */
export function atOnce(ranking: Ranking | Promise<Ranking>): Ranking {
  if (ranking instanceof Promise) throw new Error('The router answered with a promise.');
  return ranking;
}

/** A log that keeps its warnings. */
export function recordingLog(): Log & { readonly warnings: { facts: object; message: string }[] } {
  const warnings: { facts: object; message: string }[] = [];
  return {
    warnings,
    debug: () => {},
    info: () => {},
    warn: (facts, message) => warnings.push({ facts, message }),
    error: () => {},
  };
}

/** A clock that is moved by hand and knows how many timers wait. */
export class HandClock implements Clock {
  #now = 0;
  #nextId = 1;
  readonly #timers = new Map<unknown, { callback: () => void; due: number }>();

  get waiting(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const id = this.#nextId++;
    this.#timers.set(id, { callback, due: this.#now + delayMs });
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id);
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const [id, { callback, due }] of [...this.#timers]) {
      if (due > this.#now || !this.#timers.delete(id)) continue;
      callback();
    }
  }
}

/** Milliseconds of processor time of the cheapest of five runs: other work on the machine must not count. */
export function cheapestMs(run: () => void): number {
  const times = [1, 2, 3, 4, 5].map(() => {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

/** An object with this `then`. */
export function thenable(
  then: (onValue: (value: unknown) => void, onFault: (cause?: unknown) => void) => void,
): object {
  return Object.defineProperty({}, 'then', { value: then });
}
