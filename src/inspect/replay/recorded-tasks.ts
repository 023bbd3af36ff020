import type { TaskEvent } from '../../core/events.js';
import type { HistoryEvent } from '../../core/history-event.js';
import type { OpenTask } from '../../core/history-state.js';
import type { TaskResult } from '../../core/result.js';
import { type TaskRecordView, TaskTrail } from '../dashboard/task-trail.js';
import { lastIndex } from '../history-player.js';
import type { Recording } from './read-recording.js';

/** Which tasks a list shows. */
export type TaskFilter = 'all' | 'open' | 'failed';

/** One task of a recording: places of its facts among all facts. */
interface RecordedTask {
  readonly taskId: string;
  /** -1 when it was open before the recording begins. */
  readonly first: number;
  last: number;
  /** The fact that it was settled; null when that is not recorded. */
  end: number | null;
  /** How it stood where the recording begins. */
  readonly before: OpenTask | null;
  /** The task before it that had the same id; it was settled. */
  readonly earlier: RecordedTask | null;
}

type Settled = Extract<HistoryEvent, { type: 'settled' }>;

/**
 * Owns: which facts are about which task, in two numbers a fact. Talks to nobody. A moment is said as the number of facts
 * up to it.
 */
export class RecordedTasks {
  readonly #events: readonly HistoryEvent[];
  /** In the order in which they were submitted. */
  readonly #tasks: RecordedTask[] = [];
  readonly #latest = new Map<string, RecordedTask>();
  /** In the order in which they failed. */
  readonly #failed: (RecordedTask & { end: number })[] = [];
  /** Place of the fact before, about the same task; -1 when there is none. */
  readonly #previous: Int32Array;

  constructor({ events, cut }: Recording) {
    this.#events = events;
    this.#previous = new Int32Array(events.length).fill(-1);
    for (const task of cut?.state.tasks ?? []) this.#begin(task.taskId, -1, task);
    let duplicateId = cut?.state.duplicateId ?? null;
    for (const [place, event] of events.entries()) {
      if (!('taskId' in event)) continue;
      const { taskId } = event;
      const open = this.#latest.get(taskId);
      const isOpen = open !== undefined && open.end === null;
      const isRefusal = event.type === 'settled' && taskId === duplicateId;
      duplicateId = event.type === 'submitted' && isOpen ? taskId : null;
      if (event.type === 'submitted' && !isOpen) this.#begin(taskId, place, null);
      else if (isOpen && !isRefusal && duplicateId === null) this.#add(open, event, place);
    }
  }

  /** The latest tasks of a moment, oldest first. @param most - Most tasks that are told. */
  latest(
    facts: number,
    {
      filter,
      most,
      open,
    }: { readonly filter: TaskFilter; readonly most: number; readonly open: readonly OpenTask[] },
  ): TaskRecordView[] {
    return this.#chosen(facts, filter, most, open).flatMap((task) => this.#record(task, facts) ?? []);
  }

  /** One task as it was at a moment; undefined when it had not been submitted. */
  find(taskId: string, facts: number): TaskRecordView | undefined {
    let task = this.#latest.get(taskId) ?? null;
    while (task !== null && task.first >= facts) task = task.earlier;
    return task === null ? undefined : this.#record(task, facts);
  }

  #chosen(facts: number, filter: TaskFilter, most: number, open: readonly OpenTask[]): RecordedTask[] {
    const upTo = <T>(list: readonly T[], placeOf: (item: T) => number): T[] => {
      const end = lastIndex(list, (item) => placeOf(item) < facts) + 1;
      return list.slice(Math.max(0, end - most), end);
    };
    if (filter === 'all') return upTo(this.#tasks, ({ first }) => first);
    if (filter === 'failed') return upTo(this.#failed, ({ end }) => end);
    return open
      .toSorted((a, b) => a.submittedAtMs - b.submittedAtMs)
      .slice(-most)
      .flatMap(({ taskId }) => {
        let task = this.#latest.get(taskId) ?? null;
        while (task !== null && task.first >= facts) task = task.earlier;
        return task ?? [];
      });
  }

  #begin(taskId: string, place: number, before: OpenTask | null): void {
    const earlier = this.#latest.get(taskId) ?? null;
    const task = { taskId, first: place, last: place, end: null, before, earlier };
    this.#tasks.push(task);
    this.#latest.set(taskId, task);
  }

  #add(task: RecordedTask, event: HistoryEvent, place: number): void {
    this.#previous[place] = task.last;
    task.last = place;
    if (event.type !== 'settled') return;
    task.end = place;
    if (isFailing(event.status)) this.#failed.push(task as RecordedTask & { end: number });
  }

  /** Plays the task's own facts, up to the moment, to what follows tasks on the live page. */
  #record(task: RecordedTask, facts: number): TaskRecordView | undefined {
    const trail = new TaskTrail({ capacity: 1 });
    const { taskId } = task;
    trail.accepted({ taskId, task: taskId, service: null });
    for (const event of beginningOf(task)) trail.take(event);
    let firstStartMs: number | null = null;
    for (const place of this.#placesOf(task, facts)) {
      const event = this.#events[place] as HistoryEvent;
      if (event.type === 'started') firstStartMs ??= event.atMs;
      trail.take(
        event.type === 'settled' ? settledOf(event, this.#startOf(task), firstStartMs) : (event as TaskEvent),
      );
    }
    return trail.find(taskId);
  }

  #placesOf({ first, last }: RecordedTask, facts: number): number[] {
    const places: number[] = [];
    for (let place = last; place >= 0; place = place === first ? -1 : (this.#previous[place] ?? -1)) {
      if (place < facts) places.push(place);
    }
    return places.reverse();
  }

  #startOf({ first, before }: RecordedTask): number {
    return before?.submittedAtMs ?? this.#events[first]?.atMs ?? 0;
  }
}

/** Whether a task of this status counts as failed: a cancel is the caller's wish. */
export function isFailing(status: string): boolean {
  return status !== 'completed' && status !== 'cancelled';
}

/** What a task was at where the recording begins, said as facts. */
function beginningOf({ before }: RecordedTask): TaskEvent[] {
  if (before === null) return [];
  const { taskId, phase, priority, submittedAtMs, sinceMs, attempts, service, instance } = before;
  const submitted = {
    type: 'submitted',
    atMs: submittedAtMs,
    taskId,
    priority,
    maxRetries: 0,
    deadlineMs: null,
  } as const;
  if (service === null || phase === 'submitted') return [submitted];
  if (phase === 'running' && instance !== null) {
    return [submitted, { type: 'started', atMs: sinceMs, taskId, service, instance, attempt: attempts }];
  }
  return [submitted, { type: 'queued', atMs: sinceMs, taskId, service }];
}

/** A history keeps of a result what a judge needs; times follow from the facts, and texts are nowhere. */
function settledOf(event: Settled, submittedMs: number, startedMs: number | null): TaskEvent {
  const { atMs, taskId, status, result, service = null } = event;
  const seconds = (fromMs: number, toMs: number): number => Math.max(0, toMs - fromMs) / 1000;
  return {
    type: 'settled',
    atMs,
    taskId,
    service,
    status: status as TaskResult['status'],
    result: {
      taskId,
      status: status as TaskResult['status'],
      serviceName: service,
      success: status === 'completed',
      result: null,
      error: null,
      errorCode: result.errorCode as TaskResult['errorCode'],
      errorDetails: null,
      executionTime: startedMs === null ? 0 : seconds(startedMs, atMs),
      queueTime: seconds(submittedMs, startedMs ?? atMs),
      attempts: result.attempts,
      route: null,
    },
  };
}
