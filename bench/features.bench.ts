import type { Bench, Contestant, Sample } from './bench.js';
import { openGaffrWithFeatures } from './contestants/features-gaffr.js';
import { createLoad, type FeatureLoad, type OpenFeatures } from './contestants/features-load.js';
import { openStack, openStackGivingSlotsBack } from './contestants/features-stack.js';
import type { Stopwatch } from './stopwatch.js';

const TASKS = 100_000;
const WARM_UP_TASKS = 20_000;

export const features: Bench = {
  name: 'features',
  measures:
    '100,000 tasks with everything on: every tenth fails once and is retried after the shortest timer there is (1 ms), ' +
    'each attempt has a timeout of 60 s, three priorities, 1 % are cancelled while they wait, and a listener counts.',
  doesNotMeasure:
    'Timeouts that strike, cancels that reach running work, open circuits. Of ours also not asked of the peers: a route, ' +
    'a result with times and attempts, a retry budget, a circuit, a bounded queue.',
  contestants: [
    contestantOf('gaffr', openGaffrWithFeatures(true), { isOurs: true }),
    contestantOf('gaffr, plain lane', openGaffrWithFeatures(false), { isOurs: true }),
    contestantOf('p-queue + p-retry + p-timeout', openStack, {
      note: 'the usual way: a task keeps its place in the queue while it waits for its retry',
    }),
    contestantOf('p-queue + p-retry + p-timeout, slot given back', openStackGivingSlotsBack, {
      note: 'the retry goes around the queue, and ahead of all others: what ours does',
    }),
  ],
  metric: { name: 'tasksPerSecond', better: 'higher' },
};

function contestantOf(
  name: string,
  open: OpenFeatures,
  rest: Pick<Contestant, 'isOurs' | 'note'>,
): Contestant {
  return { name, group: 'everything on', ...rest, run: (stopwatch) => runFeatures(stopwatch, open) };
}

/** Warms up, times a fresh queue on a fresh load, and checks every answer. */
export async function runFeatures(
  stopwatch: Stopwatch,
  open: OpenFeatures,
  { tasks = TASKS, warmUpTasks = WARM_UP_TASKS } = {},
): Promise<Sample> {
  for (let count = 0; count < 2; count += 1) {
    const load = createLoad(warmUpTasks);
    await runLoad(await open(load), load);
  }
  const load = createLoad(tasks);
  const queue = await open(load);
  const { value: _, ...sample } = await stopwatch.time(tasks, () => runLoad(queue, load));
  load.check();
  return sample;
}

async function runLoad(queue: Awaited<ReturnType<OpenFeatures>>, load: FeatureLoad): Promise<void> {
  const answers = load.tasks.map((task) => queue.submit(task));
  // What was submitted waits by now, and the first ten run: nothing that is cancelled is among those.
  for (const { controller } of load.tasks) controller?.abort();
  await Promise.all(answers);
}
