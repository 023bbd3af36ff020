import type { Bench, Contestant, Result } from './bench.js';
import { asFastAsItCan, atRate, type Onlooker, runWatched } from './contestants/watched-load.js';

const RATE = 1000;
const SECONDS = 60;
const BATCHES = 30;
const BATCH_SIZE = 10_000;

const STEADY = `${RATE.toLocaleString('en')} tasks a second for ${SECONDS} s`;
const FULL = 'as fast as it can';

/** What looking on may cost. */
const LIMITS = { throughputRatio: 0.8, updatesPerSecond: 5, kbPerMinute: 1000 };

export const inspect: Bench = {
  name: 'inspect',
  measures:
    `The dashboard in a real Chromium while the runtime works: ${STEADY}, each of two to four milliseconds and one in ` +
    `fifty failing, on four services; then ${(BATCHES * BATCH_SIZE).toLocaleString('en')} tasks of one turn of the ` +
    'event loop each, ten thousand at once, as fast as they are answered. Heaps are measured every three seconds without their garbage; ' +
    'growth is the slope from the fifteenth second on. An update is a change of the figures on the page.',
  doesNotMeasure:
    'CPU time and memory of the browser beside its heap; several pages; pages over a slow line. The browser has the ' +
    'same two processors as the runtime.',
  contestants: [
    contestantOf('page open', STEADY, 'page', { isOurs: true, packages: 'test/browser' }),
    contestantOf('no dashboard', STEADY, 'no dashboard'),
    contestantOf('page open', FULL, 'page', { isOurs: true, packages: 'test/browser' }),
    contestantOf('nobody looks', FULL, 'nobody'),
    contestantOf('no dashboard', FULL, 'no dashboard'),
  ],
  metric: { name: 'tasksPerSecond', better: 'higher' },
  mostRuns: 3,
  figureColumns: {
    updatesPerSecond: 'updates/s',
    leastUpdatesPerSecond: 'at least',
    serverHeapMb: 'server MB',
    serverKbPerMinute: 'server kB/min',
    pageHeapMb: 'page MB',
    pageKbPerMinute: 'page kB/min',
    pageNodes: 'page nodes',
  },
  derive: (results) => ({ limits: LIMITS, holds: holdsOf(results) }),
};

function contestantOf(
  label: string,
  group: string,
  onlooker: Onlooker,
  rest: Pick<Contestant, 'isOurs' | 'packages'> = {},
): Contestant {
  return {
    name: `${label}, ${group}`,
    label,
    group,
    ...rest,
    run: (stopwatch) =>
      group === STEADY
        ? runWatched(stopwatch, onlooker, {
            ...atRate(RATE, SECONDS),
            warmUp: atRate(RATE, 3).work,
            isTimed: true,
          })
        : runWatched(stopwatch, onlooker, {
            ...asFastAsItCan(BATCHES, BATCH_SIZE),
            warmUp: asFastAsItCan(4, BATCH_SIZE).work,
            isTimed: false,
          }),
  };
}

/**
 * Whether each limit holds at the steady rate; a limit without its contestants is left out. At full speed the browser takes
 * a processor from the runtime, and on two of them wall time says little: there, compare the CPU times.
 */
function holdsOf(results: readonly Result[]): Readonly<Record<string, boolean>> {
  const page = results.find(({ contestant }) => contestant === `page open, ${STEADY}`);
  const { figures = {}, ratios = {} } = page ?? {};
  const growth = [figures.serverKbPerMinute, figures.pageKbPerMinute].filter((each) => each !== undefined);
  const throughput = ratios['no dashboard'];
  return {
    ...(growth.length > 0 && { memory: growth.every((each) => each <= LIMITS.kbPerMinute) }),
    ...(figures.leastUpdatesPerSecond !== undefined && {
      updates: figures.leastUpdatesPerSecond >= LIMITS.updatesPerSecond,
    }),
    ...(throughput !== undefined && { throughput: throughput >= LIMITS.throughputRatio }),
  };
}
