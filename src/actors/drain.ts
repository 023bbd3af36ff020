import type { Clock } from '../core/environment.js';
import type { SupervisorActor } from './supervisor-actor.js';

/** Ends a supervisor: lets accepted work go on for a while, then stops it. */
export class Drain {
  readonly #actor: SupervisorActor;
  readonly #clock: Clock;
  readonly #stopped: Promise<void>;
  #timer: unknown;
  #endsAtMs = Number.POSITIVE_INFINITY;

  constructor(actor: SupervisorActor, clock: Clock) {
    this.#actor = actor;
    this.#clock = clock;
    this.#stopped = new Promise((resolve) => actor.subscribe({ complete: resolve, error: () => resolve() }));
  }

  /** Resolves once the supervisor stopped, at the latest after `drainMs`; called again, the shortest limit holds. */
  begin(drainMs: number): Promise<void> {
    const endsAtMs = this.#clock.now() + drainMs;
    this.#send(drainMs > 0 ? 'DRAIN' : 'STOP');
    if (this.#isActive && endsAtMs < this.#endsAtMs) {
      this.end();
      this.#endsAtMs = endsAtMs;
      this.#timer = this.#clock.setTimeout(() => this.#send('STOP'), drainMs);
    }
    return this.#stopped;
  }

  get #isActive(): boolean {
    return this.#actor.getSnapshot().status === 'active';
  }

  #send(type: 'DRAIN' | 'STOP'): void {
    if (this.#isActive) this.#actor.send({ type });
  }

  /** Drops the time limit. */
  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
