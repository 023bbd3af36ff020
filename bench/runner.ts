import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, Contestant, Sample } from './bench.js';
import { type Machine, machineFacts } from './machine.js';
import type { Report } from './report.js';
import { resultsOf } from './results.js';

const run = promisify(execFile);
const child = fileURLToPath(new URL('./child.js', import.meta.url));

/** A run that takes longer is a defect. */
const CHILD_LIMIT_MS = 300_000;

/** How a bench is run. */
export interface RunOptions {
  /** Runs of each contestant. */
  readonly runs: number;
  /** Told before each run. */
  readonly onRun: (run: number, contestant: string) => void;
}

/**
 * Runs a bench: run by run, each contestant once per run and each time in a fresh process of Node, so that neither the
 * compiled code nor the heap of one colours another and a slow minute of the machine meets all alike.
 *
 * @throws Error when a contestant fails or answers wrongly; its text names it.
 */
export async function runBench(bench: Bench, { runs, onRun }: RunOptions): Promise<Report> {
  const before = machineFacts();
  const all = bench.contestants.map((contestant) => ({ contestant, samples: [] as Sample[] }));
  for (let count = 1; count <= runs; count += 1) {
    for (const { contestant, samples } of all) {
      onRun(count, contestant.name);
      samples.push(await runOnce(bench, contestant));
    }
  }
  const results = resultsOf(all, bench.metric);
  return {
    name: bench.name,
    measures: bench.measures,
    doesNotMeasure: bench.doesNotMeasure,
    runs,
    machine: machineDuring(before),
    ratiosAre: `ours divided by the peer, medians of ${bench.metric.name}; ${bench.metric.better} is better`,
    results,
    ratios: results.find(({ ratios }) => ratios !== undefined)?.ratios ?? {},
    ...bench.derive?.(results),
  };
}

async function runOnce(bench: Bench, contestant: Contestant): Promise<Sample> {
  try {
    const args = ['--expose-gc', child, bench.name, contestant.name, ...[bench.dataFolder ?? []].flat()];
    const { stdout } = await run(process.execPath, args, {
      timeout: CHILD_LIMIT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    return JSON.parse(stdout) as Sample;
  } catch (cause) {
    throw new Error(`"${contestant.name}" of the bench "${bench.name}" failed: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function machineDuring(before: Machine): Machine {
  return { ...before, loadAverageAfter: machineFacts().loadAverageBefore };
}
