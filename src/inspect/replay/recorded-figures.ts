import type { HistoryEvent } from '../../core/history-event.js';
import { Latencies } from '../dashboard/latencies.js';
import type { Sample } from '../dashboard/throughput.js';
import { lastIndex, monotonicTimes } from '../history-player.js';
import type { Recording } from './read-recording.js';
import { isFailing } from './recorded-tasks.js';

/** Most columns of a plot, which spans the whole recording. */
const MOST_COLUMNS = 240;
/** Shortest time that a column stands for, in milliseconds. */
const SHORTEST_COLUMN_MS = 250;

/** Name under which the figures of all services stand; no service has an empty name. */
const ALL = '';

/** What had come of a service's tasks at a moment. */
export interface Outcomes {
  readonly completed: number;
  readonly failed: number;
  /** Code of its latest failure; null when nothing failed. */
  readonly lastErrorCode: string | null;
}

/**
 * Owns: figures of a recording, column by column for plots and fact by fact for counts; for each service and for all under
 * an empty name. Talks to nobody.
 */
export class RecordedFigures {
  readonly #events: readonly HistoryEvent[];
  /** Places of facts, by service. */
  readonly #ends = new Map<string, { completed: number[]; failed: number[]; faults: number[] }>();
  readonly #startMs: number;
  readonly #columnMs: number;
  readonly columns: number;
  /** Rates are per second; all other figures are those that the live page shows at the column's end. */
  readonly plots: Readonly<Record<string, readonly Sample[]>>;

  constructor({ events, cut }: Recording, names: readonly string[]) {
    this.#events = events;
    const times = monotonicTimes(events, cut?.state.atMs ?? Number.NEGATIVE_INFINITY);
    this.#startMs = times[0] ?? 0;
    const lengthMs = (times.at(-1) ?? 0) - this.#startMs;
    this.columns = Math.max(1, Math.min(MOST_COLUMNS, Math.ceil(lengthMs / SHORTEST_COLUMN_MS)));
    this.#columnMs = lengthMs / this.columns;
    const meters = new Map([ALL, ...names].map((name) => [name, new Meter()]));
    for (const name of meters.keys()) this.#ends.set(name, { completed: [], failed: [], faults: [] });
    this.#fill(meters, times, cut);
    this.plots = Object.fromEntries([...meters].map(([name, { samples }]) => [name, samples]));
  }

  /** The column that a moment lies in. */
  columnAt(atMs: number): number {
    if (this.#columnMs === 0) return 0;
    const column = Math.floor((atMs - this.#startMs) / this.#columnMs);
    return Math.min(Math.max(Number.isFinite(column) ? column : 0, 0), this.columns - 1);
  }

  outcomes(service: string, facts: number): Outcomes {
    const { completed = [], failed = [], faults = [] } = this.#ends.get(service) ?? {};
    const before = (places: readonly number[]): number => lastIndex(places, (place) => place < facts) + 1;
    const fault = this.#events[faults[before(faults) - 1] ?? -1];
    const lastErrorCode =
      fault?.type === 'settled'
        ? fault.result.errorCode
        : fault?.type === 'backoff'
          ? (fault.errorCode ?? null)
          : null;
    return { completed: before(completed), failed: before(failed), lastErrorCode };
  }

  #fill(meters: ReadonlyMap<string, Meter>, times: readonly number[], cut: Recording['cut']): void {
    const levels = new Levels(cut?.state.tasks ?? []);
    let column = 0;
    const closeUpTo = (end: number): void => {
      for (; column < end; column += 1) {
        const endMs = this.#startMs + (column + 1) * this.#columnMs;
        for (const [name, meter] of meters) meter.close(levels.of(name), endMs, this.#columnMs);
      }
    };
    for (const [place, event] of this.#events.entries()) {
      const atMs = times[place] as number;
      closeUpTo(this.columnAt(atMs));
      const ended = levels.take(event);
      if (event.type === 'backoff' && event.errorCode !== undefined)
        this.#ends.get(event.service)?.faults.push(place);
      if (event.type !== 'settled') continue;
      const { service = null, status, result } = event;
      const tookMs = result.attempts > 0 && status !== 'cancelled' ? atMs - (ended?.startedMs ?? atMs) : null;
      for (const name of service === null ? [ALL] : [ALL, service]) {
        meters.get(name)?.end(status === 'completed', tookMs, atMs);
        const ends = this.#ends.get(name);
        if (status === 'completed') ends?.completed.push(place);
        else if (isFailing(status)) {
          ends?.failed.push(place);
          if (result.errorCode !== null) ends?.faults.push(place);
        }
      }
    }
    closeUpTo(this.columns);
  }
}

/** Makes the columns of one service, or of all. */
class Meter {
  readonly samples: Sample[] = [];
  readonly #latencies = new Latencies();
  #ended = 0;

  /** @param tookMs - Null when the time says nothing of the service. */
  end(isCompleted: boolean, tookMs: number | null, atMs: number): void {
    this.#ended += 1;
    if (tookMs !== null) this.#latencies.add(tookMs, isCompleted, atMs);
  }

  close({ queued, running }: Level, endMs: number, columnMs: number): void {
    const perSecond = columnMs === 0 ? this.#ended : (this.#ended * 1000) / columnMs;
    this.samples.push({
      ended: Math.round(perSecond * 100) / 100,
      queued,
      running,
      ...this.#latencies.summary(endMs),
    });
    this.#ended = 0;
  }
}

interface Level {
  queued: number;
  running: number;
}

interface FollowedTask {
  service: string | null;
  phase: 'queued' | 'running' | 'backoff';
  startedMs: number | null;
}

/** Follows how many tasks wait and run, at a constant cost per fact. */
class Levels {
  readonly #tasks = new Map<string, FollowedTask>();
  readonly #levels = new Map<string, Level>([[ALL, { queued: 0, running: 0 }]]);

  constructor(open: NonNullable<Recording['cut']>['state']['tasks']) {
    for (const { taskId, phase, service, sinceMs, attempts } of open) {
      const startedMs = attempts > 0 ? sinceMs : null;
      const task = { service, phase: phase === 'submitted' ? 'queued' : phase, startedMs } as const;
      this.#tasks.set(taskId, { ...task });
      this.#count(task, 1);
    }
  }

  of(name: string): Level {
    return this.#levels.get(name) ?? { queued: 0, running: 0 };
  }

  /** @returns The task that the fact ended. */
  take(event: HistoryEvent): FollowedTask | undefined {
    if (!('taskId' in event) || event.type === 'ended' || event.type === 'reprioritised') return undefined;
    const { taskId } = event;
    const task = this.#tasks.get(taskId);
    if (event.type === 'submitted') {
      if (task === undefined) this.#enter(taskId, { service: null, phase: 'queued', startedMs: null });
      return undefined;
    }
    if (task === undefined) return undefined;
    if (event.type === 'settled') {
      // Another task under the id of an open one is refused; the open one goes on.
      if (event.result.errorCode === 'DUPLICATE_ID') return undefined;
      this.#count(task, -1);
      this.#tasks.delete(taskId);
      return task;
    }
    this.#count(task, -1);
    const isStart = event.type === 'started';
    const isWaiting = event.type === 'queued' || event.type === 'moved' || event.type === 'handed_over';
    this.#enter(taskId, {
      service: event.type === 'moved' ? null : event.service,
      phase: isStart ? 'running' : isWaiting ? 'queued' : 'backoff',
      startedMs: task.startedMs ?? (isStart ? event.atMs : null),
    });
    return undefined;
  }

  #enter(taskId: string, task: FollowedTask): void {
    this.#tasks.set(taskId, task);
    this.#count(task, 1);
  }

  #count({ phase, service }: FollowedTask, by: 1 | -1): void {
    if (phase === 'backoff') return;
    for (const name of service === null ? [ALL] : [ALL, service]) {
      const level = this.#levels.get(name) ?? { queued: 0, running: 0 };
      level[phase] += by;
      this.#levels.set(name, level);
    }
  }
}
