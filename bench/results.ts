import type { Contestant, Metric, Result, Sample } from './bench.js';
import { median, rangeOf, rounded } from './statistics.js';

/** A contestant and its samples, run by run. */
export interface Runs {
  readonly contestant: Contestant;
  readonly samples: readonly Sample[];
}

/** Medians per contestant, and for ours the ratios to the peers of their group. */
export function resultsOf(all: readonly Runs[], metric: Metric): Result[] {
  return all.map((runs) => {
    const peers = all.filter(
      ({ contestant: { group, isOurs } }) => group === runs.contestant.group && !isOurs,
    );
    return { ...ownFigures(runs), ...(runs.contestant.isOurs && compare(runs, peers, metric)) };
  });
}

function ownFigures({ contestant, samples }: Runs): Result {
  const { name, label = name, group, note } = contestant;
  const speeds = samples.map((sample) => figureOf(sample, 'tasksPerSecond'));
  const [lowest, highest] = rangeOf(speeds);
  const { details } = samples.at(-1) as Sample;
  const names = Object.keys(samples[0]?.figures ?? {});
  const figures = Object.fromEntries(names.map((figure) => [figure, rounded(medianOf(samples, figure))]));
  return {
    contestant: name,
    label,
    group,
    tasksPerSecond: rounded(median(speeds)),
    tasksPerSecondRange: [rounded(lowest), rounded(highest)],
    cpuMicrosPerTask: rounded(medianOf(samples, 'cpuMicrosPerTask')),
    ...(names.length > 0 && { figures }),
    ...(note !== undefined && { note }),
    ...(details !== undefined && { details }),
  };
}

function compare({ samples }: Runs, peers: readonly Runs[], { name }: Metric) {
  const byPeer = <T>(ratioTo: (peer: readonly Sample[]) => T): Record<string, T> =>
    Object.fromEntries(
      peers.map(({ contestant: { name: peer, label = peer }, samples: theirs }) => [label, ratioTo(theirs)]),
    );
  const ofMedians = (peer: readonly Sample[], figure: string): number =>
    rounded(medianOf(samples, figure) / medianOf(peer, figure));
  return {
    ratios: byPeer((peer) => ofMedians(peer, name)),
    ratioRanges: byPeer((peer) => {
      const ofRuns = samples.map(
        (sample, run) => figureOf(sample, name) / figureOf(peer[run] as Sample, name),
      );
      const [lowest, highest] = rangeOf(ofRuns);
      return [rounded(lowest), rounded(highest)] as const;
    }),
    cpuRatios: byPeer((peer) => ofMedians(peer, 'cpuMicrosPerTask')),
  };
}

function medianOf(samples: readonly Sample[], figure: string): number {
  return median(samples.map((sample) => figureOf(sample, figure)));
}

function figureOf(sample: Sample, figure: string): number {
  if (figure === 'tasksPerSecond') return (sample.tasks / sample.wallMs) * 1000;
  if (figure === 'cpuMicrosPerTask') return sample.cpuMicros / sample.tasks;
  const value = sample.figures?.[figure];
  if (value === undefined) throw new Error(`A sample has no figure "${figure}".`);
  return value;
}
