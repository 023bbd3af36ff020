import { misuse } from '../core/errors.js';
import { failureOf } from '../core/failure.js';
import { RecentOutcomes } from '../core/recent-outcomes.js';
import type { Service, ServiceContext, ServiceFunction } from '../core/service.js';

/**
 * Owns: how the replicas of one service do. The one that is likely to answer soonest (see {@link RecentOutcomes}) gets the
 * next attempt.
 */

/** Options of {@link replicated}: the fields of a service, and time for tests. */
export interface ReplicaOptions extends Omit<Service, 'execute' | 'close'> {
  /** Monotonic milliseconds. Default: `performance.now`. */
  readonly now?: () => number;
}

/**
 * One service out of several that do the same: each attempt goes to the replica with the least load and latency, and a
 * retry to another one than before when there is one. `concurrency` is that of all together.
 *
 * @throws TypeError when there is no replica, or one has no `execute`.
 * @example registry.register('search', replicated([searchInOslo, searchInTurin], { keywords: ['search'] }));
 */
export function replicated(
  replicas: readonly (Service | ServiceFunction)[],
  { now = () => performance.now(), ...fields }: ReplicaOptions = {},
): Service {
  if (replicas.length === 0) throw misuse('replicated() needs at least one service.');
  const all = replicas.map((service, index) => new Replica(service, index, now));
  /** On which replica the latest attempt of a task failed. */
  const failedOn = new Map<string, Replica>();
  return {
    ...fields,
    async execute(task, context) {
      const { taskId } = context;
      const chosen = likelySoonest(all, failedOn.get(taskId));
      failedOn.delete(taskId);
      try {
        return await chosen.run(task, context);
      } catch (cause) {
        if (failedOn.size >= MOST_REMEMBERED) failedOn.delete(failedOn.keys().next().value as string);
        failedOn.set(taskId, chosen);
        throw cause;
      }
    },
    close: () => Promise.all(all.map((replica) => replica.close())),
  };
}

/** Failed tasks whose replica is remembered for their next attempt; the oldest goes first. */
const MOST_REMEMBERED = 10_000;

function likelySoonest(all: readonly Replica[], avoided: Replica | undefined): Replica {
  const others = all.filter((replica) => replica !== avoided);
  return (others.length > 0 ? others : all).reduce((best, each) => (each.cost < best.cost ? each : best));
}

/** One replica, and how it did lately. */
class Replica {
  readonly #execute: ServiceFunction;
  readonly #close: (() => unknown) | undefined;
  readonly #now: () => number;
  readonly #outcomes = new RecentOutcomes();
  #inFlight = 0;

  constructor(service: Service | ServiceFunction, index: number, now: () => number) {
    const execute = typeof service === 'function' ? service : service?.execute?.bind(service);
    if (typeof execute !== 'function')
      throw misuse(`Replica ${index + 1} has no function execute(task, context).`);
    this.#execute = execute;
    this.#close = typeof service === 'function' ? undefined : service.close?.bind(service);
    this.#now = now;
  }

  get cost(): number {
    return this.#outcomes.cost(this.#inFlight, this.#now());
  }

  async run(task: string, context: ServiceContext): Promise<unknown> {
    const startMs = this.#now();
    this.#inFlight += 1;
    try {
      const value = await this.#execute(task, context);
      this.#learn(startMs, false);
      return value;
    } catch (cause) {
      // A refusal is an answer, and what was given up says that it was slow.
      const { countsAgainstCircuit } = failureOf(cause, 'replica', context.attempt);
      this.#learn(startMs, countsAgainstCircuit && !context.signal.aborted);
      throw cause;
    } finally {
      this.#inFlight -= 1;
    }
  }

  async close(): Promise<void> {
    await this.#close?.();
  }

  #learn(startMs: number, isFailure: boolean): void {
    const nowMs = this.#now();
    this.#outcomes.learn(nowMs - startMs, isFailure, nowMs);
  }
}
