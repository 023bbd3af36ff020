import * as z from 'zod';
import type { HistoryEvent } from './history-event.js';
import { lazySchema } from './lazy-schema.js';

/**
 * Owns: what a history says of every open task, held instance and circuit at a moment. Talks to nobody.
 *
 * It believes what it is told and judges nothing: the judge has rules of its own. A history whose beginning was lost starts
 * with such a state, and a history that is shown is a row of them.
 */

const openTaskSchema = lazySchema(() =>
  z.strictObject({
    taskId: z.string(),
    /** `submitted`: waits for its route. `backoff`: also given up by its last attempt. */
    phase: z.enum(['submitted', 'queued', 'running', 'backoff']),
    priority: z.number(),
    submittedAtMs: z.number(),
    /** When it came to its phase. */
    sinceMs: z.number(),
    attempts: z.number(),
    service: z.string().nullable(),
    instance: z.string().nullable(),
    /** Counts among the retries in flight of its service. */
    isRetry: z.boolean(),
    /** It waits before all priorities: it was there before, or comes back for a further attempt. */
    isReturned: z.boolean(),
    /** Another process runs it: of its attempts nothing is told. */
    isElsewhere: z.boolean().optional(),
    maxRetries: z.number().optional(),
    deadlineMs: z.number().nullable().optional(),
  }),
);

/** An attempt that was given up and whose code runs. */
const heldSchema = lazySchema(() =>
  z.strictObject({
    instance: z.string(),
    service: z.string(),
    taskId: z.string(),
    attempt: z.number(),
  }),
);

/** A state as JSON. Waiting tasks stand in the order in which they would start within a service and priority. */
export const historyStateSchema = lazySchema(() =>
  z.strictObject({
    atMs: z.number(),
    submitted: z.number(),
    /** Tasks that ended, by status. */
    settled: z.record(z.string(), z.number()),
    tasks: z.array(openTaskSchema.schema),
    held: z.array(heldSchema.schema),
    /** Services whose circuit is open. */
    openCircuits: z.array(z.string()),
    isRateLimited: z.boolean(),
    /** An id that was submitted again while its task is open: the next fact is the refusal. */
    duplicateId: z.string().nullable(),
  }),
);

export type HistoryStateData = z.output<typeof historyStateSchema>;
export type OpenTask = HistoryStateData['tasks'][number];
type HeldInstance = HistoryStateData['held'][number];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Follows a history fact by fact. */
export class HistoryState {
  readonly #tasks = new Map<string, Mutable<OpenTask>>();
  readonly #held = new Map<string, HeldInstance>();
  readonly #openCircuits = new Set<string>();
  readonly #settled = new Map<string, number>();
  #atMs = 0;
  #submitted = 0;
  #isRateLimited = false;
  #duplicateId: string | null = null;

  /** @param data - Where to begin. Default: nothing has happened. */
  constructor(data?: HistoryStateData) {
    if (data === undefined) return;
    this.#atMs = data.atMs;
    this.#submitted = data.submitted;
    this.#isRateLimited = data.isRateLimited;
    this.#duplicateId = data.duplicateId;
    for (const task of data.tasks) this.#tasks.set(task.taskId, { ...task });
    for (const held of data.held) this.#held.set(held.instance, held);
    for (const service of data.openCircuits) this.#openCircuits.add(service);
    for (const [status, count] of Object.entries(data.settled)) this.#settled.set(status, count);
  }

  /** Tasks that are not settled. */
  get open(): number {
    return this.#tasks.size;
  }

  /** The open task of this id, as it is now; it changes with the next facts. */
  taskOf(taskId: string): OpenTask | undefined {
    return this.#tasks.get(taskId);
  }

  /** Takes the next fact. Facts about tasks that it does not know are passed over. */
  advance(event: HistoryEvent): void {
    this.#atMs = event.atMs;
    if (event.type === 'circuit') {
      if (event.state === 'open') this.#openCircuits.add(event.service);
      else this.#openCircuits.delete(event.service);
      return;
    }
    if (event.type === 'rate_limit') {
      this.#isRateLimited = event.isLimited;
      return;
    }
    if (event.type === 'resized' || event.type === 'restaffed') return;
    const duplicateId = this.#duplicateId;
    this.#duplicateId = null;
    if (event.type === 'submitted') this.#submit(event);
    else if (event.type === 'ended') this.#held.delete(event.instance);
    else if (event.type === 'settled') this.#settle(event, event.taskId === duplicateId);
    else this.#change(event);
  }

  toJSON(): HistoryStateData {
    return {
      atMs: this.#atMs,
      submitted: this.#submitted,
      settled: Object.fromEntries(this.#settled),
      tasks: [...this.#tasks.values()].map((task) => ({ ...task })),
      held: [...this.#held.values()],
      openCircuits: [...this.#openCircuits],
      isRateLimited: this.#isRateLimited,
      duplicateId: this.#duplicateId,
    };
  }

  #submit(event: Extract<HistoryEvent, { type: 'submitted' }>): void {
    const { taskId, priority, atMs, maxRetries, deadlineMs, attempts = 0 } = event;
    this.#submitted += 1;
    if (this.#tasks.has(taskId)) {
      this.#duplicateId = taskId;
      return;
    }
    this.#tasks.set(taskId, {
      taskId,
      phase: 'submitted',
      priority,
      submittedAtMs: atMs,
      sinceMs: atMs,
      attempts,
      service: null,
      instance: null,
      isRetry: false,
      isReturned: false,
      ...(maxRetries !== undefined && { maxRetries }),
      ...(deadlineMs !== undefined && { deadlineMs }),
    });
  }

  #settle({ taskId, status }: Extract<HistoryEvent, { type: 'settled' }>, isRefusal: boolean): void {
    this.#settled.set(status, (this.#settled.get(status) ?? 0) + 1);
    if (!isRefusal) this.#tasks.delete(taskId);
  }

  #change(
    event: Exclude<
      HistoryEvent,
      { type: 'submitted' | 'ended' | 'settled' | 'circuit' | 'rate_limit' | 'resized' | 'restaffed' }
    >,
  ): void {
    const task = this.#tasks.get(event.taskId);
    if (task === undefined) return;
    switch (event.type) {
      case 'handed_over':
        task.isElsewhere = true;
        task.service = event.service;
        return;
      case 'queued':
        task.isReturned = task.attempts > 0 || (task.phase === 'queued' && task.service === event.service);
        task.isRetry &&= task.service === event.service;
        enter(task, 'queued', event.atMs, event.service);
        this.#toTheEnd(task);
        return;
      case 'moved':
        task.isRetry = false;
        enter(task, 'submitted', event.atMs, null);
        return;
      case 'reprioritised':
        task.priority = event.priority;
        task.isReturned = false;
        task.sinceMs = event.atMs;
        this.#toTheEnd(task);
        return;
      case 'started':
        enter(task, 'running', event.atMs, event.service);
        task.instance = event.instance;
        task.attempts = event.attempt;
        return;
      case 'abandoned':
        enter(task, 'backoff', event.atMs, event.service);
        this.#held.set(event.instance, {
          instance: event.instance,
          service: event.service,
          taskId: event.taskId,
          attempt: event.attempt,
        });
        return;
      case 'backoff': {
        // Its instance waits with it, unless the attempt's code still holds that.
        const { instance } = task;
        enter(task, 'backoff', event.atMs, event.service);
        task.instance = instance;
        task.isRetry = true;
        return;
      }
    }
  }

  /** The order of the map is the order of arrival in the mailboxes. */
  #toTheEnd(task: Mutable<OpenTask>): void {
    this.#tasks.delete(task.taskId);
    this.#tasks.set(task.taskId, task);
  }
}

function enter(
  task: Mutable<OpenTask>,
  phase: OpenTask['phase'],
  atMs: number,
  service: string | null,
): void {
  task.phase = phase;
  task.sinceMs = atMs;
  task.service = service;
  task.instance = null;
}
