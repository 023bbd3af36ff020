/**
 * Runs many seeded simulations and ends with one line of figures: `npm run simulate -- --seeds 10000`.
 *
 * --seeds N    how many fresh seeds (default 1,000), beside every seed that ever failed
 * --base B     the first seed (default: from the git commit, so that each commit runs seeds of its own)
 * --seed S     this seed alone
 * --replays R  so many of them run again, and must give the same trace (default 0)
 * --threads T  default 2
 * --json       the last line is JSON
 *
 * A seed that breaks an invariant is told with the shortest trace that still breaks it and the command that runs it again;
 * exit code 1.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { runSeeds } from './crew-of-workers.js';
import { planOf } from './plan.js';
import { failedSeeds } from './seeds.js';
import { shrink, traceOf } from './shrink.js';

const MOST_TRACES = 3;
const MS_PER_DAY = 86_400_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    base: { type: 'string' },
    seed: { type: 'string' },
    replays: { type: 'string', default: '0' },
    threads: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});

const startMs = performance.now();
const seeds = values.seed === undefined ? freshSeeds() : [toSeed(values.seed)];
const threads = Number(values.threads);
const tally = await runSeeds(seeds, threads);
const replays = await replay(seeds.slice(0, Number(values.replays)));
for (const { seed, invariant, text } of tally.failures.slice(0, MOST_TRACES)) {
  if (invariant === 'hang') console.log(`seed ${seed}: ${text}`);
  else console.log(traceOf(await shrink(planOf(seed))));
  console.log(`run it again: npm run simulate -- --seed ${seed}\n`);
}
if (tally.failures.length > MOST_TRACES) {
  console.log(
    `failed as well: ${tally.failures
      .slice(MOST_TRACES)
      .map(({ seed }) => seed)
      .join(', ')}`,
  );
}
report();

function freshSeeds(): number[] {
  const base = values.base === undefined ? commitNumber() : toSeed(values.base);
  const fresh = Array.from({ length: Number(values.seeds) }, (_, index) => (base + index) >>> 0);
  return [...new Set([...fresh, ...failedSeeds])];
}

/** The first 32 bits of the commit's id; a checkout without git begins at 1. */
function commitNumber(): number {
  try {
    const id = execFileSync('git', ['rev-parse', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number.parseInt(id.slice(0, 8), 16);
  } catch {
    return 1;
  }
}

function toSeed(text: string): number {
  const seed = Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new TypeError(`A seed is a whole number from 0 to 4294967295; got "${text}".`);
}

async function replay(
  again: readonly number[],
): Promise<{ readonly replays: number; readonly replaysEqual: number }> {
  if (again.length === 0) return { replays: 0, replaysEqual: 0 };
  const { hashes } = await runSeeds(again, threads);
  const equal = again.filter((seed) => hashes.get(seed) === tally.hashes.get(seed));
  return { replays: again.length, replaysEqual: equal.length };
}

function report(): void {
  // Those that ever failed run beside the fresh ones.
  const kept = values.seed === undefined ? Math.max(0, seeds.length - Number(values.seeds)) : 0;
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const { tasks, steps, failures, virtualMs } = tally;
  const virtualDays = Math.round(virtualMs / MS_PER_DAY);
  const figures = {
    seeds: seeds.length - kept,
    kept,
    tasks,
    steps,
    violations: failures.length,
    ...replays,
    virtualDays,
    seconds,
  };
  if (failures.length > 0 || replays.replays !== replays.replaysEqual) process.exitCode = 1;
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.log(values.json ? JSON.stringify(figures) : text.join(', '));
}
