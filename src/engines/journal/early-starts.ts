import type { EngineRuntime } from '../../core/engine.js';
import type { OpenTask } from './open-task.js';

/**
 * Which tasks are accepted and begun by one commit: those that name their service and would begin there at once.
 *
 * Owns: how many tasks are to begin at each service and have not yet. Talks to: the runtime, which knows what room there is.
 */
export class EarlyStarts {
  readonly #promised = new Map<string, number>();

  /** Promises a start to a task, if there is room for it beside those that were promised one before. */
  promise(known: OpenTask, service: string | null, runtime: Pick<EngineRuntime, 'room'> | null): boolean {
    if (service === null || runtime === null) return false;
    const promised = this.#promised.get(service) ?? 0;
    if (runtime.room(service) <= promised) return false;
    known.promisedAt = service;
    this.#promised.set(service, promised + 1);
    return true;
  }

  /** The task has begun, or does not begin now. @returns Whether it was promised. */
  settle(known: OpenTask): boolean {
    const { promisedAt } = known;
    if (promisedAt === null) return false;
    known.promisedAt = null;
    this.#promised.set(promisedAt, (this.#promised.get(promisedAt) ?? 0) - 1);
    return true;
  }
}
