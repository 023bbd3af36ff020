import type { HistoryEvent } from '../../core/history-event.js';
import type { Sample } from '../dashboard/throughput.js';
import { lastIndex, monotonicTimes } from '../history-player.js';
import type { Recording } from './read-recording.js';
import { isFailing } from './recorded-tasks.js';

/** Columns of a plot, which spans the whole recording. */
export const COLUMNS = 240;

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
  /** Rates are per second; `queued` and `running` are those of the column's end. */
  readonly plots: Readonly<Record<string, readonly Sample[]>>;

  constructor({ events, cut }: Recording, names: readonly string[]) {
    this.#events = events;
    const times = monotonicTimes(events, cut?.state.atMs ?? Number.NEGATIVE_INFINITY);
    this.#startMs = times[0] ?? 0;
    const lengthMs = (times.at(-1) ?? 0) - this.#startMs;
    this.columns = lengthMs > 0 ? COLUMNS : 1;
    this.#columnMs = lengthMs / this.columns;
    const columns = new Map<string, Column[]>();
    for (const name of [ALL, ...names]) {
      columns.set(
        name,
        Array.from({ length: this.columns }, () => new Column()),
      );
      this.#ends.set(name, { completed: [], failed: [], faults: [] });
    }
    this.#fill(columns, times, cut);
    this.plots = Object.fromEntries(
      [...columns].map(([name, list]) => [name, list.map((column) => column.sample(this.#columnMs))]),
    );
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

  #fill(
    columns: ReadonlyMap<string, readonly Column[]>,
    times: readonly number[],
    cut: Recording['cut'],
  ): void {
    const levels = new Levels(cut?.state.tasks ?? []);
    let column = 0;
    for (const [place, event] of this.#events.entries()) {
      const atMs = times[place] as number;
      for (const last = this.columnAt(atMs); column < last; column += 1) note(columns, levels, column);
      const ended = levels.take(event);
      if (event.type === 'backoff' && event.errorCode !== undefined)
        this.#ends.get(event.service)?.faults.push(place);
      if (event.type !== 'settled') continue;
      const { service = null, status, result } = event;
      const tookMs = result.attempts > 0 && status !== 'cancelled' ? atMs - (ended?.startedMs ?? atMs) : null;
      for (const name of service === null ? [ALL] : [ALL, service]) {
        columns.get(name)?.[column]?.end(status === 'completed', tookMs);
        const ends = this.#ends.get(name);
        if (status === 'completed') ends?.completed.push(place);
        else if (isFailing(status)) {
          ends?.failed.push(place);
          if (result.errorCode !== null) ends?.faults.push(place);
        }
      }
    }
    for (; column < this.columns; column += 1) note(columns, levels, column);
  }
}

/** Ends a column: how many wait and run there. */
function note(columns: ReadonlyMap<string, readonly Column[]>, levels: Levels, place: number): void {
  for (const [name, list] of columns) {
    const level = levels.of(name);
    const column = list[place];
    if (column && level) [column.queued, column.running] = [level.queued, level.running];
  }
}

class Column {
  queued = 0;
  running = 0;
  #ended = 0;
  #completed = 0;
  readonly #tookMs: number[] = [];

  /** @param tookMs - Null when the time says nothing of the service. */
  end(isCompleted: boolean, tookMs: number | null): void {
    this.#ended += 1;
    if (tookMs === null) return;
    this.#tookMs.push(tookMs);
    if (isCompleted) this.#completed += 1;
  }

  sample(columnMs: number): Sample {
    const { queued, running } = this;
    const sorted = Float64Array.from(this.#tookMs).sort();
    const count = sorted.length;
    const quantile = (share: number): number | null =>
      count === 0 ? null : Math.round((sorted[Math.ceil(count * share) - 1] ?? 0) * 100) / 100;
    const ended = columnMs === 0 ? this.#ended : (this.#ended * 1000) / columnMs;
    return {
      ended: Math.round(ended * 100) / 100,
      queued,
      running,
      p50Ms: quantile(0.5),
      p95Ms: quantile(0.95),
      successRate: count === 0 ? null : this.#completed / count,
    };
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

  of(name: string): Level | undefined {
    return this.#levels.get(name);
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
    const isWaiting = event.type === 'queued' || event.type === 'moved';
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
