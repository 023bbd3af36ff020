import type { AnyStateMachine } from 'xstate';
import type { InstanceState } from '../../core/service.js';
import { layOutChart } from '../chart-layout.js';
import type { Hello, ServiceLine } from '../dashboard/overview.js';
import { lineOf, type TaskLine } from '../dashboard/task-line.js';
import { type HistoryFrame, type HistoryPlayer, playHistory, type ServiceFrame } from '../history-player.js';
import { chartOf, type MachineChart } from '../machine-chart.js';
import { type FactLine, factLine } from './fact-line.js';
import { firedEdges } from './fired-edges.js';
import type { Recording } from './read-recording.js';
import { RecordedFigures } from './recorded-figures.js';
import { RecordedLimits } from './recorded-limits.js';
import { RecordedTasks, type TaskFilter } from './recorded-tasks.js';

/** Services that are shown, in order of appearance; each costs a card and a plot. */
const MOST_SERVICES = 100;
/** Instances that are shown one by one; the counts hold for all. */
const MOST_INSTANCES = 64;
/** Tasks in a list. */
const MOST_TASKS = 40;
/** Facts in a list. */
const MOST_FACTS = 14;
/** Facts between two moments above which edges do not flash: nobody could follow them. */
const MOST_FLASHES = 2000;

/** What a page needs to begin with. Times are those of the recording's clock, in milliseconds. */
export interface RecordingHello extends Pick<Hello, 'version' | 'about' | 'history'> {
  readonly type: 'recording';
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly facts: number;
  /** What is added to those times for milliseconds of the epoch; null when that is not known. */
  readonly epochOffsetMs: number | null;
  /** What is left out, in sentences for people. */
  readonly notices: readonly string[];
  readonly charts: Pick<Hello['charts'], 'service' | 'serviceLabelled'>;
  readonly services: readonly ServiceLine[];
}

/** How things stood at a moment. */
export interface Moment {
  readonly type: 'moment';
  readonly atMs: number;
  /** The moments before and after at which something happened; null where there is none. */
  readonly beforeMs: number | null;
  readonly afterMs: number | null;
  /** Facts up to this moment. */
  readonly facts: number;
  readonly stats: {
    readonly running: number;
    readonly queued: number;
    /** Null: without limit, or not known. */
    readonly maxParallel: number | null;
    readonly isRateLimited: boolean;
  };
  readonly services: readonly ServiceLine[];
  readonly tasks: readonly TaskLine[];
  /** The latest facts, latest first. */
  readonly latest: readonly FactLine[];
  /** Column of the plots that the moment lies in, and how far along the recording it is, 0 to 1. */
  readonly column: number;
  readonly progress: number;
}

/** What a page asks for. */
export interface MomentQuery {
  readonly atMs: number;
  /** The moment that the page showed before; edges that fired since then flash. */
  readonly sinceMs?: number;
  readonly filter?: TaskFilter;
}

/** Owns: what the page shows of one recording. Talks to nobody; the same question always has the same answer. */
export class Replay {
  readonly #recording: Recording;
  readonly #about: { readonly name: string; readonly version: string };
  readonly #player: HistoryPlayer;
  readonly #chart: MachineChart;
  readonly #charts: RecordingHello['charts'];
  readonly #services: readonly string[];
  readonly #moreServices: number;
  readonly #tasks: RecordedTasks;
  readonly #figures: RecordedFigures;
  readonly #limits: RecordedLimits;

  /** @param machine - That of an instance. */
  constructor(
    recording: Recording,
    {
      machine,
      ...about
    }: { readonly machine: AnyStateMachine; readonly name: string; readonly version: string },
  ) {
    this.#recording = recording;
    this.#about = about;
    this.#player = playHistory(recording);
    this.#chart = chartOf(machine);
    this.#charts = {
      service: layOutChart(this.#chart, false),
      serviceLabelled: layOutChart(this.#chart, true),
    };
    const names = this.#player.frameAt(this.#player.startMs, 0).services.map(({ name }) => name);
    this.#services = names.slice(0, MOST_SERVICES);
    this.#moreServices = names.length - this.#services.length;
    this.#tasks = new RecordedTasks(recording);
    this.#figures = new RecordedFigures(recording, this.#services);
    this.#limits = new RecordedLimits(recording);
  }

  hello(): RecordingHello {
    const { startMs, endMs, facts } = this.#player;
    const { notices, epochOffsetMs } = this.#recording;
    const more = this.#moreServices;
    return {
      type: 'recording',
      ...this.#about,
      startMs,
      endMs,
      facts,
      epochOffsetMs,
      notices: more > 0 ? [...notices, `${more} of the services are left out.`] : notices,
      charts: this.#charts,
      services: this.#lines(this.#player.frameAt(startMs, 0), new Map()),
      about: {},
      history: this.#figures.plots,
    };
  }

  moment({ atMs: asked, sinceMs, filter = 'all' }: MomentQuery): Moment {
    const { startMs, endMs } = this.#player;
    const atMs = Math.min(Math.max(asked, startMs), endMs);
    const frame = this.#player.frameAt(atMs, filter === 'open' ? Number.POSITIVE_INFINITY : 0);
    const { facts, running, queued, isRateLimited } = frame;
    const tasks = this.#tasks.latest(facts, { filter, most: MOST_TASKS, open: frame.tasks });
    return {
      type: 'moment',
      atMs,
      ...this.#player.neighboursOf(atMs),
      facts,
      stats: { running, queued, isRateLimited, maxParallel: this.#limits.at(null, facts) },
      services: this.#lines(frame, this.#fired(sinceMs, atMs)),
      tasks: tasks.map((task) => lineOf(task, (ms) => ms)),
      latest: this.#recording.events
        .slice(Math.max(0, facts - MOST_FACTS), facts)
        .reverse()
        .map(factLine),
      column: this.#figures.columnAt(atMs),
      progress: endMs > startMs ? (atMs - startMs) / (endMs - startMs) : 1,
    };
  }

  /** Everything that the recording says of a task at a moment; undefined when it had not been submitted. */
  task(taskId: string, atMs: number): object | undefined {
    const { facts } = this.#player.frameAt(atMs, 0);
    const task = this.#tasks.find(taskId, facts);
    if (task === undefined) return undefined;
    const { service, state, priority, acceptedAtMs, spans, droppedSpans, end } = task;
    const { epochOffsetMs } = this.#recording;
    return {
      id: taskId,
      text: null,
      namedService: null,
      service,
      state,
      priority,
      acceptedMs: acceptedAtMs,
      acceptedEpochMs: epochOffsetMs === null ? null : Math.round(acceptedAtMs + epochOffsetMs),
      spans,
      droppedSpans,
      route: null,
      routeProblem: null,
      isForecast: false,
      isRecorded: true,
      // Times, codes and counts are known, results are not.
      end: end === null ? null : { ...end, preview: null },
    };
  }

  #fired(sinceMs: number | undefined, atMs: number): ReturnType<typeof firedEdges> {
    if (sinceMs === undefined || sinceMs >= atMs) return new Map();
    const facts = this.#player.factsBetween(sinceMs, atMs, MOST_FLASHES + 1);
    if (facts.length === 0 || facts.length > MOST_FLASHES) return new Map();
    return firedEdges(this.#chart, this.#player.frameAt(sinceMs, 0), facts);
  }

  #lines({ services, facts }: HistoryFrame, fired: ReturnType<typeof firedEdges>): ServiceLine[] {
    return services.slice(0, MOST_SERVICES).map((frame) => {
      const { name, state, queued } = frame;
      const { completed, failed, lastErrorCode } = this.#figures.outcomes(name, facts);
      const states = frame.instances.map(
        ({ state: own }): InstanceState => (own === 'abandoned' ? 'busy' : own),
      );
      return {
        name,
        state,
        instances: countOf(states, frame),
        concurrency: this.#limits.at(name, facts),
        queued,
        completed,
        failed,
        lastError: lastErrorCode,
        retryAt: null,
        states: states.slice(0, MOST_INSTANCES),
        fired: fired.get(name) ?? {},
      };
    });
  }
}

/** Instances without a task since the recording began are not among its states, and are all idle or failed. */
function countOf(states: readonly InstanceState[], { running }: ServiceFrame): ServiceLine['instances'] {
  const count = (state: InstanceState): number => states.filter((each) => each === state).length;
  return {
    idle: count('idle'),
    busy: Math.max(count('busy'), running),
    retrying: count('retrying'),
    failed: count('failed'),
  };
}
