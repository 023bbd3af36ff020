import type { Bench, Contestant, Sample } from './bench.js';
import {
  type BenchRouter,
  LEARNABLE_EXAMPLES,
  type OpenRouter,
  openCapability,
  openCascade,
  openKeyword,
  openLearned,
  openMiniSearch,
  openNatural,
  openNlpJs,
  PEERS_FOLDER,
} from './contestants/routers.js';
import { speedSet } from './contestants/routing-load.js';
import { type RoutingSet, readSets, sampleSet } from './contestants/routing-sets.js';
import { accuracyFigures, type Outcome, outcomeOf } from './routing-figures.js';
import { percentile } from './statistics.js';
import type { Stopwatch } from './stopwatch.js';

/** Routes of one timed run, unless they would take longer than this. */
const ROUTES = 4000;
const MOST_MS = 2000;

/** Numbers of services that time is measured with. */
const SIZES = [4, 100, 1000];

/** The balanced point of every strategy of ours. */
const THRESHOLD = 0.5;

interface Router {
  readonly label: string;
  readonly open: OpenRouter;
  readonly isOurs?: boolean;
  readonly note?: string;
  /** Needs services with keywords. */
  readonly needsKeywords?: boolean;
  /** Needs services with at least {@link LEARNABLE_EXAMPLES} examples. */
  readonly needsExamples?: boolean;
  /** Folder of packages that must be installed first. */
  readonly packages?: string;
}

const ROUTERS: readonly Router[] = [
  { label: 'keyword', open: openKeyword, isOurs: true, needsKeywords: true },
  { label: 'capability', open: openCapability, isOurs: true },
  {
    label: 'keyword, then capability',
    open: openCascade,
    isOurs: true,
    needsKeywords: true,
    note: 'the cascade that an orchestrator uses by default',
  },
  {
    label: 'learned',
    open: openLearned,
    isOurs: true,
    needsExamples: true,
    note: `trained beforehand; sets with ${LEARNABLE_EXAMPLES} examples a service only`,
  },
  { label: 'minisearch', open: openMiniSearch, note: 'one document a service, defaults' },
  { label: 'natural', open: openNatural, note: 'BayesClassifier', packages: PEERS_FOLDER },
  { label: 'nlp.js', open: openNlpJs, note: '@nlpjs/basic', packages: PEERS_FOLDER },
];

/** Where a set comes from: read in the process that runs, so that the others stay light. */
interface Source {
  readonly group: string;
  readonly hasKeywords: boolean;
  readonly isLearnable: boolean;
  readonly read: () => RoutingSet;
  readonly isForSpeed: boolean;
}

/** @param dataFolder - A folder with further sets; see {@link readSets}. */
export function createRoutingBench(dataFolder?: string): Bench {
  return {
    name: 'routing',
    measures:
      'How often each router puts the right service first, what it refuses of tasks that belong to none, and how long one ' +
      'route takes; then the time alone with 4, 100 and 1,000 services of three examples and eight keywords.',
    doesNotMeasure:
      'Building and training, which happen before the clock starts; the supervisor around the router; language models. ' +
      'Peers get a threshold that is fitted on the very tasks they are judged by (best); ours are also judged at their fixed 0.5.',
    contestants: sourcesOf(dataFolder).flatMap((source) =>
      ROUTERS.filter(
        ({ needsKeywords = false, needsExamples = false }) =>
          (source.hasKeywords || !needsKeywords) && (source.isLearnable || !needsExamples),
      ).map((router) => contestantOf(router, source)),
    ),
    metric: { name: 'p50Micros', better: 'lower' },
    figureColumns: {
      p50Micros: 'p50 µs',
      p99Micros: 'p99 µs',
      accuracy: 'acc@1 %',
      accuracyTop3: 'acc@3 %',
      auroc: 'AUROC %',
      right: 'right at 0.5',
      refused: 'refused at 0.5',
      rightAtBest: 'right at best',
      refusedAtBest: 'refused at best',
    },
    ...(dataFolder !== undefined && { dataFolder }),
  };
}

function sourcesOf(dataFolder: string | undefined): Source[] {
  const further = dataFolder === undefined ? [] : [...readSets(dataFolder)];
  const sets: [string, RoutingSet][] = [['sample', sampleSet()], ...further];
  return [
    ...sets.map(([name, set]): Source => {
      const { services, test } = set;
      const foreign = test.filter(({ service }) => service === null).length;
      return {
        group: `${name}: ${services.length} services, ${test.length} tasks, ${foreign} of them out of scope`,
        hasKeywords: services.some(({ keywords }) => keywords !== undefined),
        isLearnable: services.every(({ examples }) => examples.length >= LEARNABLE_EXAMPLES),
        read: () => set,
        isForSpeed: false,
      };
    }),
    ...SIZES.map(
      (services): Source => ({
        group: `time with ${services.toLocaleString('en')} services`,
        hasKeywords: true,
        isLearnable: false,
        read: () => speedSet(services),
        isForSpeed: true,
      }),
    ),
  ];
}

function contestantOf({ label, open, isOurs, note, packages }: Router, source: Source): Contestant {
  return {
    name: `${label}, ${source.group.split(':')[0]}`,
    label,
    group: source.group,
    ...(isOurs && { isOurs }),
    ...(note !== undefined && { note }),
    ...(packages !== undefined && { packages }),
    run: (stopwatch) =>
      runRouting(stopwatch, open, source.read(), {
        isJudged: !source.isForSpeed,
        ...(isOurs && { threshold: THRESHOLD }),
      }),
  };
}

/** Judges every task, warms the router up, and then times single routes. */
export async function runRouting(
  stopwatch: Stopwatch,
  open: OpenRouter,
  { services, test }: RoutingSet,
  {
    isJudged,
    threshold,
    routes = ROUTES,
  }: { readonly isJudged: boolean; readonly threshold?: number; readonly routes?: number },
): Promise<Sample> {
  const router = await open(services);
  const names = new Set(services.map(({ name }) => name));
  const outcomes: Outcome[] = [];
  for (const { text, service } of test) {
    const scores = await router.rank(text);
    for (const [name, score] of scores) {
      if (!names.has(name) || !Number.isFinite(score)) throw new Error(`A wrong answer: ${name} ${score}`);
    }
    outcomes.push(outcomeOf(service, scores));
  }
  await timeRoutes(router, test, routes);
  const {
    value: micros,
    wallMs,
    cpuMicros,
  } = await stopwatch.time(routes, () => timeRoutes(router, test, routes));
  return {
    tasks: micros.length,
    wallMs,
    cpuMicros,
    figures: {
      p50Micros: percentile(micros, 0.5),
      p99Micros: percentile(micros, 0.99),
      ...(isJudged && accuracyFigures(outcomes, threshold)),
    },
  };
}

/** Microseconds of each route. */
async function timeRoutes(router: BenchRouter, test: RoutingSet['test'], routes: number): Promise<number[]> {
  const micros: number[] = [];
  const startedMs = performance.now();
  for (let route = 0; route < routes; route++) {
    const { text } = test[route % test.length] as RoutingSet['test'][number];
    const sentMs = performance.now();
    const answer = router.rank(text);
    // A router that answers at once is not made to wait for a microtask.
    if (answer instanceof Promise) await answer;
    const doneMs = performance.now();
    micros.push((doneMs - sentMs) * 1000);
    if (doneMs - startedMs > MOST_MS) break;
  }
  return micros;
}
