import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Engine } from '../../src/core/engine.js';
import type { EngineOptions } from '../../src/core/engine-config.js';
import { silentLog } from '../../src/core/environment.js';
import {
  createOrchestrator,
  type Environment,
  ExecutionConfig,
  type ExecutionConfigInput,
  type Orchestrator,
  type OrchestratorOptions,
} from '../../src/index.js';
import { drained } from '../support/simulation.js';

/** Lets records be written and what follows from them run: acceptance, start and end take a turn each. */
export async function turns(count = 8): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await drained();
}

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** An empty folder, removed after the test. */
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-engine-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a journal that is not there yet. */
export function journalPath(): string {
  return join(emptyFolder(), 'tasks.journal');
}

/** The files as a process leaves them that is killed now. */
export function killedCopy(path: string): string {
  const copy = journalPath();
  for (const suffix of ['', '-wal'])
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

/** An orchestrator in simulated time. Closed after the test, unless it was. */
export interface World {
  readonly orchestrator: Orchestrator;
  readonly clock: SimulatedClock;
  /** Moves time on, and lets everything run before and after. */
  advance(ms: number): Promise<void>;
}

let ids = 0;

/** Opens an orchestrator on an engine. Ids are never used again, as in life. */
export function openWorld(
  engine: EngineOptions | Engine,
  {
    config,
    ...rest
  }: { readonly config?: ExecutionConfigInput } & Omit<OrchestratorOptions, 'config' | 'engine'> = {},
): World {
  const clock = new SimulatedClock();
  const environment = {
    clock: clock as unknown as Environment['clock'],
    random: () => 0.5,
    createId: () => `t${++ids}`,
  };
  const orchestrator = createOrchestrator({
    environment,
    log: silentLog,
    engine,
    config: ExecutionConfig.create({ fallbackService: null, ...config }),
    ...rest,
  });
  cleanUps.push(() => orchestrator.close({ drainSeconds: 0 }));
  return {
    orchestrator,
    clock,
    async advance(ms) {
      await turns();
      clock.increment(ms);
      await turns();
    },
  };
}
