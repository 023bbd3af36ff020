import type { Stopwatch } from './stopwatch.js';

/** What one run of one contestant gave. */
export interface Sample {
  /** Tasks that were done and checked. */
  readonly tasks: number;
  /** Milliseconds from the first submission to the last answer. */
  readonly wallMs: number;
  /** User and system time of the process that did the work, in microseconds. */
  readonly cpuMicros: number;
  /** Further numbers of the run; the report has their medians. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Anything else worth keeping; the report has that of the last run. */
  readonly details?: unknown;
}

/** One way to do the work of a bench. */
export interface Contestant {
  /** Unique within its bench. */
  readonly name: string;
  /** Unique within its group; what tables and ratios call it. Default: the name. */
  readonly label?: string;
  /** Peers of one group do the same work, so that their figures may be compared. */
  readonly group: string;
  /** Ours are compared with the peers of their group. */
  readonly isOurs?: boolean;
  /** What is special about this way, for the reader of the table. */
  readonly note?: string;
  /** Folder of packages with a lockfile of its own, installed when this contestant takes part. */
  readonly packages?: string;
  /** Why it cannot take part on this machine: then it is left out, and the report says so. */
  whyNot?(): string | undefined;
  /** Does the work once, in this process, after a warm-up of its own. Throws when any result is wrong. */
  run(stopwatch: Stopwatch): Promise<Sample>;
}

/** The figure that ratios are made of. */
export interface Metric {
  /** `tasksPerSecond`, `cpuMicrosPerTask`, or one of the samples' figures. */
  readonly name: string;
  readonly better: 'higher' | 'lower';
}

/** One question, and the contestants that answer it. */
export interface Bench {
  readonly name: string;
  readonly measures: string;
  readonly doesNotMeasure: string;
  /** In the order in which they take turns. The first that is ours gives the bench's `ratios`. */
  readonly contestants: readonly Contestant[];
  readonly metric: Metric;
  /** Figures of the samples that have a column of their own, with their headings. */
  readonly figureColumns?: Readonly<Record<string, string>>;
  /** A table of its own for each contestant, heading first, from what its samples kept. */
  detailRows?(details: unknown): readonly (readonly string[])[];
  /** Folder of data that the contestants were made with; those of each run are made with it too. */
  readonly dataFolder?: string;
  /** Default: the number of runs asked for. */
  readonly mostRuns?: number;
  /** Facts that follow from all results together. */
  derive?(results: readonly Result[]): Readonly<Record<string, unknown>>;
}

/** What all runs of one contestant gave: medians, and the range of the speed. */
export interface Result {
  readonly contestant: string;
  /** Its name within its group. */
  readonly label: string;
  readonly group: string;
  readonly tasksPerSecond: number;
  readonly tasksPerSecondRange: readonly [lowest: number, highest: number];
  readonly cpuMicrosPerTask: number;
  /** Medians of the samples' figures. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Ours only: our metric divided by that of each peer of the group, by medians. */
  readonly ratios?: Readonly<Record<string, number>>;
  /** The same run by run: lowest and highest. */
  readonly ratioRanges?: Readonly<Record<string, readonly [lowest: number, highest: number]>>;
  /** Ours only: our CPU time per task divided by that of each peer, by medians; lower is better. */
  readonly cpuRatios?: Readonly<Record<string, number>>;
  readonly note?: string;
  readonly details?: unknown;
}
