import { expect, it } from 'vitest';
import { planOf } from './plan.js';
import { type Outcome, runPlan } from './run-plan.js';
import { failedSeeds } from './seeds.js';
import { shrink, traceOf } from './shrink.js';

/** Seeds of the ordinary suite; `npm run simulate` runs many more. */
const SEEDS = Array.from({ length: 300 }, (_, index) => index + 1);
const REPLAYED = SEEDS.filter((seed) => seed % 15 === 0);

/** Runs seeds; those that broke an invariant are told with their shortest trace. */
async function run(seeds: readonly number[]): Promise<{ outcomes: Outcome[]; traces: string[] }> {
  const outcomes: Outcome[] = [];
  const traces: string[] = [];
  for (const seed of seeds) {
    const outcome = await runPlan(planOf(seed));
    outcomes.push(outcome);
    if (outcome.broken && traces.length < 3) traces.push(traceOf(await shrink(planOf(seed))));
  }
  return { outcomes, traces };
}

it('holds I1 to I13 on 300 seeds, whatever services, strategies, clients and observers do', async () => {
  const { outcomes, traces } = await run(SEEDS);
  expect(traces).toEqual([]);
  const tasks = outcomes.reduce((sum, outcome) => sum + outcome.tasks, 0);
  expect(tasks).toBeGreaterThan(5_000);
}, 120_000);

it('holds them on every seed that ever failed', async () => {
  expect((await run(failedSeeds)).traces).toEqual([]);
}, 120_000);

it('promise C15 the same seed replays bit for bit', async () => {
  const hashes = async () => (await run(REPLAYED)).outcomes.map(({ hash }) => hash);
  expect(await hashes()).toEqual(await hashes());
}, 60_000);
