import { checkHistory } from '../../src/core/history.js';
import { isOpen } from './client.js';
import { historyLimitsOf } from './history-limits.js';
import { checkStep, type Memory, newMemory } from './invariants.js';
import type { Action, Plan } from './plan.js';
import { type Broken, World } from './world.js';

/** How a simulated run went. */
export interface Outcome {
  readonly seed: number;
  /** The first rule that was broken, or null. */
  readonly broken: (Broken & { readonly atMs: number; readonly action: number }) | null;
  /** SHA-256 over everything that observers and callers saw. */
  readonly hash: string;
  readonly tasks: number;
  /** States that were checked. */
  readonly steps: number;
  readonly virtualMs: number;
  readonly events: readonly object[];
}

/** Steps of time that a run may take to come to rest. */
const MOST_LAST_STEPS = 600;
const MOST_STEPS_OF_AN_ADVANCE = 60;
/** Delays of nothing in a row; a service that keeps failing at once must not hold up the run. */
const MOST_TURNS = 50;

/** Runs a plan to its end, or to the first broken rule. The same plan gives the same outcome. */
export async function runPlan(plan: Plan): Promise<Outcome> {
  const runner = new Runner(plan);
  return runner.run();
}

class Runner {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #memory: Memory = newMemory();
  #steps = 0;
  #action = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#world = new World(plan);
  }

  async run(): Promise<Outcome> {
    const world = this.#world;
    const onStray = (cause: unknown): void => {
      const stack = cause instanceof Error ? cause.stack?.split('\n').slice(0, 6).join(' ') : String(cause);
      world.break('C14', `an error that nobody handles: ${stack}`);
    };
    process.on('unhandledRejection', onStray);
    process.on('uncaughtException', onStray);
    try {
      await this.#actions();
      if (this.#isSound) await this.#comeToRest();
      // XState throws what nobody handles from a timer of its own.
      if (!this.#isSound) await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      process.off('unhandledRejection', onStray);
      process.off('uncaughtException', onStray);
    }
    const [broken] = world.broken;
    return {
      seed: this.#plan.seed,
      broken: broken ? { ...broken, atMs: world.clock.now(), action: this.#action } : null,
      hash: world.recorder.hash,
      tasks: world.recorder.submitted,
      steps: this.#steps,
      virtualMs: world.clock.now(),
      events: world.recorder.events,
    };
  }

  get #isSound(): boolean {
    return this.#world.broken.length === 0;
  }

  async #actions(): Promise<void> {
    for (const action of this.#plan.actions) {
      this.#world.perform(action);
      if (isMove(action)) await this.#move(action);
      else if (action.after === null) await this.#step();
      else for (let tick = 0; tick < action.after; tick += 1) await null;
      if (!this.#isSound) return;
      this.#action += 1;
    }
    await this.#step();
  }

  async #move(action: Extract<Action, { do: 'advance' | 'next' | 'sleep' }>): Promise<void> {
    const { clock } = this.#world;
    await this.#step();
    if (action.do === 'sleep') {
      clock.moveTo(clock.now() + action.ms);
      await this.#step();
      return;
    }
    const endMs = action.do === 'advance' ? clock.now() + action.ms : Number.POSITIVE_INFINITY;
    const most = action.do === 'advance' ? MOST_STEPS_OF_AN_ADVANCE : action.count;
    for (let step = 0; step < most && this.#isSound; step += 1) {
      const dueMs = clock.nextDueMs();
      if (dueMs === null || dueMs > endMs) break;
      clock.moveTo(dueMs);
      await this.#step();
    }
    if (action.do === 'advance') {
      clock.moveTo(endMs);
      await this.#step();
    }
  }

  /** Lets everything run that waits for nothing but microtasks, then checks. */
  async #step(): Promise<void> {
    const { clock } = this.#world;
    await drained();
    // A delay of nothing is over before time moves on.
    for (
      let turn = 0;
      turn < MOST_TURNS && (clock.nextDueMs() ?? Number.POSITIVE_INFINITY) <= clock.now();
      turn += 1
    ) {
      clock.moveTo(clock.now());
      await drained();
    }
    this.#steps += 1;
    if (this.#isSound) checkStep(this.#world, this.#memory);
  }

  /** I12, I13: faults stop, time moves on: every task settles, every circuit closes, no timer and no listener is left. */
  async #comeToRest(): Promise<void> {
    const world = this.#world;
    world.calm();
    await this.#step();
    await this.#passTime(() => false);
    if (world.closesAtMs === null) {
      this.#checkRest();
      if (this.#isSound) await this.#probeAll();
    }
    if (this.#isSound) await this.#close();
    if (this.#isSound) this.#checkEnd();
  }

  /** Moves from timer to timer until none is left. */
  async #passTime(isOver: () => boolean): Promise<void> {
    const { clock } = this.#world;
    for (let step = 0; this.#isSound && !isOver(); step += 1) {
      const dueMs = clock.nextDueMs();
      if (dueMs === null) return;
      if (step > MOST_LAST_STEPS) {
        this.#world.break('I12', `timers without end: the next is due at ${dueMs}`);
        return;
      }
      clock.moveTo(dueMs);
      await this.#step();
    }
  }

  #checkRest(): void {
    const world = this.#world;
    const { queued, running, retrying, abandoned } = world.orchestrator.stats();
    const left = { queued, running, retrying, abandoned };
    if (queued + running + retrying + abandoned > 0)
      world.break('I12', `not everything settles: ${JSON.stringify(left)}`);
    this.#checkLeftovers();
  }

  /** I13: nothing of the runtime waits once nothing runs. */
  #checkLeftovers(): void {
    const world = this.#world;
    if (world.clock.runtimeTimers > 0) world.break('I13', `${world.clock.runtimeTimers} timers are left`);
    const listeners = world.clients.signals.reduce((sum, signal) => sum + signal.listeners, 0);
    if (listeners > 0) world.break('I13', `${listeners} listeners are left on the callers' signals`);
    for (const { text, handle } of world.clients.all)
      if (isOpen(handle)) world.break('I12', `"${text}" has no result`);
    for (const { isResolved } of world.waiters)
      if (!isResolved) world.break('I12', 'a waiter never resolved');
  }

  async #probeAll(): Promise<void> {
    const world = this.#world;
    for (const { name } of this.#plan.setup.services) {
      if (!world.orchestrator.registry.has(name))
        world.register({ name, concurrency: 1, idempotent: false, rate: null });
    }
    const probes = [...world.current.keys()].map((name) => world.probe(name));
    await this.#step();
    await this.#passTime(() => false);
    for (const { result, text } of probes) {
      if (result?.status !== 'completed')
        world.break('I12', `"${text}" is ${result?.status} ${result?.errorCode}`);
    }
    for (const { name, state, instances, retryAt } of world.orchestrator.listServices()) {
      const { busy, retrying, failed } = instances;
      if (state !== 'idle' || retryAt !== null || busy + retrying + failed > 0) {
        world.break('I12', `service "${name}" is ${state} at rest: ${JSON.stringify(instances)}`);
      }
    }
    if (this.#isSound) this.#checkRest();
  }

  /** C17: the drain ends in time, and nothing is accepted afterwards. */
  async #close(): Promise<void> {
    const world = this.#world;
    if (world.closesAtMs === null) world.close(10_000);
    await this.#step();
    await this.#passTime(() => world.isClosed);
    if (!this.#isSound) return;
    if (!world.isClosed) world.break('C17', 'close() never resolved');
    const late = world.probe(this.#plan.setup.services[0]?.name ?? 'nobody');
    await this.#step();
    if (late.result?.errorCode !== 'SHUTTING_DOWN') {
      world.break('C17', `a task after close() is ${late.result?.status} ${late.result?.errorCode}`);
    }
  }

  #checkEnd(): void {
    const world = this.#world;
    this.#checkLeftovers();
    if (world.clients.openCalls > 0)
      world.break('C1', `${world.clients.openCalls} calls never came to their end`);
    for (const { plan, closes } of world.services) {
      if (closes > 1) world.break('C17', `service "${plan.name}" was closed ${closes} times`);
    }
    const { violations } = checkHistory(world.recorder.events, historyLimitsOf(world));
    for (const { invariant, text } of violations) world.break(`${invariant} (history)`, text);
  }
}

function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isMove(action: Action): action is Extract<Action, { do: 'advance' | 'next' | 'sleep' }> {
  return action.do === 'advance' || action.do === 'next' || action.do === 'sleep';
}
