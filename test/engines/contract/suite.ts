import { it } from 'vitest';
import type { EngineCapabilities } from '../../../src/core/engine.js';
import type { EngineOptions } from '../../../src/core/engine-config.js';
import type { ExecutionConfigInput, Orchestrator, OrchestratorOptions } from '../../../src/index.js';

/** What a test opens an orchestrator with. */
export interface WorldOptions extends Omit<OrchestratorOptions, 'config' | 'engine'> {
  readonly config?: ExecutionConfigInput;
}

/** An orchestrator and its services, in the time of the engine under test. Closed after the test, unless it was. */
export interface World {
  readonly orchestrator: Orchestrator;
  /** What the attempts run in: the same, or that of a worker. */
  readonly runner: Orchestrator;
  /** Lets so much time pass, and everything run before and after. */
  advance(ms: number): Promise<void>;
  /** Resolves once the condition holds. Rejects when it does not come to hold. */
  until(holds: () => boolean): Promise<void>;
  /** Gives everything the chance to do what it must not. */
  rest(): Promise<void>;
  /** Ends the orchestrator, and what runs its attempts, at once. */
  close(): Promise<void>;
}

/** What an engine is for the suite. */
export interface EngineUnderTest {
  readonly name: string;
  /** What it must say that it can do. What it cannot is asserted as the refusal that is documented. */
  readonly capabilities: EngineCapabilities;
  /** Options of an engine with nothing in it; the same options again open what was left there. */
  fresh(): EngineOptions;
  open(engine: EngineOptions, options?: WorldOptions): Promise<World>;
  /** A further orchestrator on the same engine, whose attempts run where those of the first do; null in one process. */
  openAnother: ((engine: EngineOptions, options?: WorldOptions) => Promise<World>) | null;
}

/** One engine while the suite runs. */
export class Suite {
  readonly engine: EngineUnderTest;
  /** How many behaviours held so far. */
  passed = 0;

  constructor(engine: EngineUnderTest) {
    this.engine = engine;
  }

  /** A behaviour of the engine. */
  test(behaviour: string, run: (engine: EngineUnderTest) => Promise<void>): void {
    it(`${this.engine.name}: ${behaviour}`, async () => {
      await run(this.engine);
      this.passed += 1;
    });
  }
}
