import { SimulatedClock } from 'xstate';
import type { Environment, ServiceContext } from '../../src/index.js';
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from '../../src/index.js';

/** Lets everything run that waits for nothing but microtasks and immediates. */
export function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time, randomness and ids moved by hand. */
export interface Simulation {
  readonly environment: Environment;
  readonly clock: SimulatedClock;
  /** Moves time on, then lets everything run. */
  advance(ms: number): Promise<void>;
}

function simulation({ random = () => 0.5 }: { readonly random?: () => number } = {}): Simulation {
  const clock = new SimulatedClock();
  let ids = 0;
  return {
    clock,
    environment: { clock: clock as unknown as Environment['clock'], random, createId: () => `t${++ids}` },
    async advance(ms) {
      await drained();
      clock.increment(ms);
      await drained();
    },
  };
}

/** An orchestrator in simulated time. */
export function simulated(
  options: OrchestratorOptions = {},
): Simulation & { readonly orchestrator: Orchestrator } {
  const world = simulation();
  return { ...world, orchestrator: createOrchestrator({ environment: world.environment, ...options }) };
}

/** One attempt of a {@link ManualService}, settled by hand. */
export interface ManualCall {
  readonly task: string;
  readonly context: ServiceContext;
  readonly resolve: (value?: unknown) => void;
  readonly reject: (cause?: unknown) => void;
}

/** A service whose attempts are settled by the test. */
export interface ManualService {
  readonly calls: ManualCall[];
  /** Attempts that were not settled yet. */
  readonly open: () => ManualCall[];
  readonly execute: (task: string, context: ServiceContext) => Promise<unknown>;
}

export function manualService(): ManualService {
  const calls: ManualCall[] = [];
  const settled = new Set<ManualCall>();
  return {
    calls,
    open: () => calls.filter((call) => !settled.has(call)),
    execute: (task, context) =>
      new Promise((resolve, reject) => {
        const call: ManualCall = {
          task,
          context,
          resolve: (value) => {
            settled.add(call);
            resolve(value);
          },
          reject: (cause) => {
            settled.add(call);
            reject(cause);
          },
        };
        calls.push(call);
      }),
  };
}
