import type { Bench, Contestant, Sample } from './bench.js';
import { type FunctionCost, ProfilingStopwatch } from './profile.js';
import { rounded } from './statistics.js';
import type { Stopwatch } from './stopwatch.js';
import { supervision } from './supervision.bench.js';

/** Contestants of the supervision bench that are looked into. */
const PROFILED = ['gaffr 1×10', 'gaffr 1×10, plain lane', 'p-queue'];

/** Functions that are listed; the rest is one line. */
const LISTED = 24;

export const profile: Bench = {
  name: 'profile',
  measures:
    'Where the time of the supervision bench goes: time per task that each function spends in its own code.',
  doesNotMeasure:
    'Speed: the profiler costs time of its own. Inlined functions count for their caller, and garbage collection on ' +
    'other threads not at all.',
  contestants: supervision.contestants.filter(({ name }) => PROFILED.includes(name)).map(withProfile),
  metric: supervision.metric,
  mostRuns: 1,
  detailRows: (details) => [
    ['function', 'at', 'µs/task', 'share'],
    ...(details as { readonly functions: readonly FunctionCost[] }).functions.map((cost) => [
      cost.function,
      cost.at,
      cost.microsPerTask.toFixed(2),
      `${(cost.share * 100).toFixed(1)} %`,
    ]),
  ],
};

function withProfile(contestant: Contestant): Contestant {
  return { ...contestant, run: (stopwatch) => runProfiled(contestant, stopwatch) };
}

async function runProfiled(contestant: Contestant, stopwatch: Stopwatch): Promise<Sample> {
  const profiling = new ProfilingStopwatch(stopwatch);
  const sample = await contestant.run(profiling);
  const listed = profiling.costs.slice(0, LISTED);
  const rest = profiling.costs.slice(LISTED);
  const sumOf = (figure: 'microsPerTask' | 'share'): number =>
    rest.reduce((sum, cost) => sum + cost[figure], 0);
  const others = {
    function: `${rest.length} others`,
    at: '',
    microsPerTask: sumOf('microsPerTask'),
    share: sumOf('share'),
  };
  const functions = [...listed, others].map((cost) => ({
    ...cost,
    microsPerTask: Number(cost.microsPerTask.toFixed(3)),
    share: rounded(cost.share),
  }));
  return { ...sample, details: { functions } };
}
