import { SimulatedClock } from 'xstate';
import type { Clock } from '../../src/core/environment.js';

/** Simulated time that knows which timers wait, and which of them belong to the runtime. */
export class TrackedClock {
  readonly #clock = new SimulatedClock();
  readonly #dueMs = new Map<number, number>();
  readonly #ofRuntime = new Set<number>();
  /** For the orchestrator. */
  readonly runtime: Clock;
  /** For the code of services and strategies. */
  readonly world: Clock;

  constructor() {
    this.runtime = this.#face((id) => this.#ofRuntime.add(id));
    this.world = this.#face(() => {});
  }

  /** Timers of the runtime that wait. */
  get runtimeTimers(): number {
    return this.#ofRuntime.size;
  }

  now(): number {
    return this.#clock.now();
  }

  /** When the next timer is due, whoever set it; null when none waits. */
  nextDueMs(): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const dueMs of this.#dueMs.values()) if (dueMs < next) next = dueMs;
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** Moves time to `ms`; everything due by then fires at `ms`, as after a sleep. */
  moveTo(ms: number): void {
    this.#clock.set(Math.max(ms, this.#clock.now()));
  }

  #face(made: (id: number) => void): Clock {
    return {
      now: () => this.#clock.now(),
      setTimeout: (callback, delayMs) => {
        const id = this.#clock.setTimeout(() => {
          this.#forget(id);
          callback();
        }, delayMs);
        this.#dueMs.set(id, this.#clock.now() + delayMs);
        made(id);
        return id;
      },
      clearTimeout: (id) => {
        // Timers are cleared also when they never were set.
        if (typeof id !== 'number') return;
        this.#forget(id);
        this.#clock.clearTimeout(id);
      },
    };
  }

  #forget(id: number): void {
    this.#dueMs.delete(id);
    this.#ofRuntime.delete(id);
  }
}
