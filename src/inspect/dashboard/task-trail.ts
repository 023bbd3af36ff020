import type { AcceptedTask } from '../../actors/queue-events.js';
import type { TaskEvent } from '../../core/events.js';
import type { TaskResult, TaskStatus } from '../../core/result.js';
import type { Route } from '../../core/route.js';
import { previewText, shorten } from './preview.js';

/**
 * Owns: what happened to the latest tasks, task by task. Talks to nobody; facts come in, records are read.
 *
 * Invariants
 * - L1 it holds at most `capacity` tasks, each with at most {@link MOST_SPANS} spans and texts of bounded length;
 *   settled tasks go before open ones.
 * - L2 of each {@link followedPerFrame} tasks that come between two calls of `takeChanged()` all are followed; what comes
 *   beyond is counted in `skipped`, so that its cost per task is a look into a map. Failures are followed in any case, up
 *   to as many again.
 */

/** A stretch of a task's life. */
export interface Span {
  readonly kind: 'queued' | 'attempt' | 'backoff';
  readonly service: string | null;
  /** The instance of an attempt, else null. */
  readonly instance: string | null;
  /** Number of an attempt, else null. */
  readonly attempt: number | null;
  readonly startMs: number;
  /** Null while it lasts. */
  endMs: number | null;
  /** How an attempt ended; null while it lasts and for other kinds. */
  outcome: 'completed' | 'failed' | 'abandoned' | null;
  /** Why this very attempt failed; null while it lasts, when it completed, and for other kinds. */
  errorCode: string | null;
}

/** A task and what happened to it. Times are the clock's milliseconds. */
export interface TaskRecordView {
  readonly taskId: string;
  /** At most 2,000 letters. */
  readonly text: string;
  readonly namedService: string | null;
  readonly acceptedAtMs: number;
  priority: number;
  service: string | null;
  state: 'waiting' | 'running' | 'backoff' | TaskStatus;
  readonly spans: Span[];
  /** Spans that were left out because there were too many. */
  droppedSpans: number;
  end: TaskEnd | null;
}

/** The end of a task. */
export interface TaskEnd {
  readonly atMs: number;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly attempts: number;
  /** Seconds. */
  readonly queueTime: number;
  /** Seconds. */
  readonly executionTime: number;
  readonly route: Route | null;
  /** The beginning of the result; null unless completed. */
  readonly preview: string | null;
}

const MOST_SPANS = 64;
/** Accepted texts that wait for their first fact; the next turn takes them away. */
const MOST_TEXTS = 4096;

/** Options of {@link TaskTrail}. */
export interface TaskTrailOptions {
  /** Most tasks kept. Default 1,000. */
  readonly capacity?: number;
  /** Most tasks that are followed from one frame to the next. Default 120. */
  readonly followedPerFrame?: number;
  /** Takes secrets out of a text. Default: the text as it is. */
  readonly clean?: (text: string) => string;
}

export class TaskTrail {
  readonly #capacity: number;
  readonly #followedPerFrame: number;
  readonly #clean: (text: string) => string;
  readonly #tasks = new Map<string, TaskRecordView>();
  /** Settled tasks, oldest first, as they go. */
  readonly #settled = new Set<string>();
  readonly #changed = new Set<TaskRecordView>();
  readonly #texts = new Map<string, AcceptedTask>();
  /** Ids under which a second task came while the first was open: the second one is refused at once. */
  readonly #refused = new Set<string>();
  #room: number;
  #failureRoom: number;
  #skipped = 0;

  constructor({ capacity = 1000, followedPerFrame = 120, clean = (text) => text }: TaskTrailOptions = {}) {
    this.#capacity = capacity;
    this.#followedPerFrame = followedPerFrame;
    this.#room = followedPerFrame;
    this.#failureRoom = followedPerFrame;
    this.#clean = clean;
  }

  /** Tasks that were not followed, since the start. */
  get skipped(): number {
    return this.#skipped;
  }

  /** All tasks, in the order in which they came. */
  get tasks(): Iterable<TaskRecordView> {
    return this.#tasks.values();
  }

  find(taskId: string): TaskRecordView | undefined {
    return this.#tasks.get(taskId);
  }

  /** Notes the text of a task; the fact that it was submitted follows. */
  accepted(task: AcceptedTask): void {
    if (this.#texts.size < MOST_TEXTS && this.#texts.size < this.#room) this.#texts.set(task.taskId, task);
  }

  take(event: TaskEvent): void {
    if (event.type === 'submitted') {
      this.#begin(event);
      return;
    }
    if (event.type === 'settled' && this.#refused.delete(event.taskId)) return;
    const task = this.#tasks.get(event.taskId);
    if (task === undefined) {
      if (event.type === 'settled' && isFailure(event.status)) this.#lateRecord(event.result, event.atMs);
      return;
    }
    this.#note(task, event);
    this.#changed.add(task);
  }

  /** The tasks that changed since the last call; room is made for further ones. */
  takeChanged(): TaskRecordView[] {
    this.#room = this.#followedPerFrame;
    this.#failureRoom = this.#followedPerFrame;
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  #begin({ taskId, atMs, priority }: Extract<TaskEvent, { type: 'submitted' }>): void {
    const accepted = this.#texts.get(taskId);
    this.#texts.delete(taskId);
    if (this.#tasks.get(taskId)?.end === null) {
      this.#refused.add(taskId);
      return;
    }
    if (this.#room <= 0 || accepted === undefined) {
      this.#skipped += 1;
      return;
    }
    this.#room -= 1;
    this.#add({
      taskId,
      text: this.#clean(shorten(accepted.task)),
      namedService: accepted.service,
      acceptedAtMs: atMs,
      priority,
      service: accepted.service,
      state: 'waiting',
      spans: [],
      droppedSpans: 0,
      end: null,
    });
    const task = this.#tasks.get(taskId);
    if (task) this.#open(task, { kind: 'queued', service: null, startMs: atMs });
  }

  /** A failed task that was not followed is worth a record all the same. */
  #lateRecord(result: TaskResult, atMs: number): void {
    if (this.#failureRoom <= 0) return;
    this.#failureRoom -= 1;
    const { taskId, serviceName: service, executionTime, queueTime, attempts, status } = result;
    const startedAtMs = atMs - executionTime * 1000;
    const acceptedAtMs = startedAtMs - queueTime * 1000;
    const kept = { service, instance: null, outcome: null, errorCode: null } as const;
    this.#skipped -= 1;
    this.#add({
      taskId,
      text: '(too many tasks came at once to keep the text of each)',
      namedService: null,
      acceptedAtMs,
      priority: 0,
      service,
      state: status,
      spans: [
        { ...kept, kind: 'queued', attempt: null, startMs: acceptedAtMs, endMs: startedAtMs },
        ...(attempts > 0
          ? [
              {
                ...kept,
                kind: 'attempt',
                attempt: attempts,
                startMs: startedAtMs,
                endMs: atMs,
                outcome: 'failed',
                errorCode: result.errorCode,
              } as const,
            ]
          : []),
      ],
      droppedSpans: Math.max(0, attempts - 1),
      end: this.#endOf(result, atMs),
    });
    this.#settled.add(taskId);
  }

  #add(task: TaskRecordView): void {
    if (this.#tasks.size >= this.#capacity) {
      const [oldest] = this.#settled.size > 0 ? this.#settled : this.#tasks.keys();
      if (oldest !== undefined) this.#forget(oldest);
    }
    // A caller may use an id again; the record then begins anew, at its end of the order.
    this.#forget(task.taskId);
    this.#tasks.set(task.taskId, task);
    this.#changed.add(task);
  }

  #forget(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return;
    this.#tasks.delete(taskId);
    this.#settled.delete(taskId);
    this.#changed.delete(task);
  }

  #note(task: TaskRecordView, event: Exclude<TaskEvent, { type: 'submitted' }>): void {
    const { atMs } = event;
    switch (event.type) {
      case 'queued':
        close(task, atMs, null);
        task.state = 'waiting';
        task.service = event.service;
        this.#open(task, { kind: 'queued', service: event.service, startMs: atMs });
        return;
      case 'handed_over':
        task.service = event.service;
        return;
      case 'started': {
        close(task, atMs, null);
        task.state = 'running';
        task.service = event.service;
        const { service, instance, attempt } = event;
        this.#open(task, { kind: 'attempt', service, instance, attempt, startMs: atMs });
        return;
      }
      case 'backoff':
        close(task, atMs, 'failed');
        blame(task, event.errorCode);
        task.state = 'backoff';
        this.#open(task, { kind: 'backoff', service: event.service, startMs: atMs });
        return;
      case 'abandoned':
        close(task, atMs, 'abandoned');
        return;
      case 'moved':
        close(task, atMs, 'failed');
        return;
      case 'reprioritised':
        task.priority = event.priority;
        return;
      case 'settled':
        close(task, atMs, event.status === 'completed' ? 'completed' : 'failed');
        blame(task, event.result.errorCode);
        task.state = event.status;
        task.service = event.service ?? task.service;
        task.end = this.#endOf(event.result, atMs);
        this.#settled.add(task.taskId);
        return;
      case 'ended':
        return;
    }
  }

  #open(
    task: TaskRecordView,
    span: Pick<Span, 'kind' | 'service' | 'startMs'> & Partial<Pick<Span, 'instance' | 'attempt'>>,
  ): void {
    if (task.spans.length >= MOST_SPANS) {
      task.droppedSpans += 1;
      return;
    }
    task.spans.push({ instance: null, attempt: null, endMs: null, outcome: null, errorCode: null, ...span });
  }

  #endOf(result: TaskResult, atMs: number): TaskEnd {
    const { errorCode, error, attempts, queueTime, executionTime, route, status } = result;
    return {
      atMs,
      errorCode,
      error: error === null ? null : this.#clean(shorten(error)),
      attempts,
      queueTime,
      executionTime,
      route,
      preview: status === 'completed' ? this.#clean(previewText(result.result)) : null,
    };
  }
}

function isFailure(status: TaskStatus): boolean {
  return status !== 'completed' && status !== 'cancelled';
}

function close({ spans }: TaskRecordView, atMs: number, outcome: Span['outcome']): void {
  const last = spans.at(-1);
  if (last === undefined || last.endMs !== null) return;
  last.endMs = atMs;
  if (last.kind === 'attempt') last.outcome = outcome;
}

/** An attempt that was given up hears its reason from the fact after that. A wait is not to blame for the end of its task. */
function blame({ spans }: TaskRecordView, errorCode: string | null): void {
  const last = spans.at(-1);
  if (last?.kind === 'attempt' && last.outcome !== 'completed') last.errorCode ??= errorCode;
}
