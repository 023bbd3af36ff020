import type { KeptStatus, TaskFilter, TaskSummary } from '../../core/engine.js';
import type { JournalOptions } from '../../core/engine-config.js';
import type { JournalRecord } from '../../core/journal-record.js';
import type { TaskStatus } from '../../core/result.js';

/** What is known of a kept task; its words and its result lie in the frames. */
export interface KeptEntry {
  readonly id: string;
  readonly acceptedAtMs: number;
  /** Its place among all acceptances; 0 for those of a version that did not count them. */
  readonly order: number;
  acceptedFrame: number;
  readonly hasKey: boolean;
  /** Frame of the last `started` or `resting`; null when there is none, or the task has ended. */
  progressFrame: number | null;
  /** `queued`, also while it is not known to have started; the others as told. */
  state: 'queued' | 'running' | 'retrying' | 'finished';
  attempts: number;
  crashes: number;
  service: string | null;
  finishedFrame: number | null;
  finishedAtMs: number;
  status: TaskStatus | null;
  errorCode: string | null;
}

/** How much of the file may be records that are no longer needed: as many as are needed, and some. */
const SPARE_RECORDS = 1000;

/**
 * What lies in the journal: the tasks and shelves by name, and which records are still needed.
 *
 * Owns: an entry per kept task; no text. Invariants:
 * - L1 it is the same whether it was built by writing the records or by reading them;
 * - L2 `live` is the number of records that {@link needs} says are needed;
 * - L3 kept tasks that have ended keep to their time and their number.
 */
export class Books {
  readonly #limits: JournalOptions;
  readonly #tasks = new Map<string, KeptEntry>();
  /** Ended, in order of their end; those that may be tried again apart from the others. */
  readonly #done = new Map<string, KeptEntry>();
  readonly #dead = new Map<string, KeptEntry>();
  /** By number: how many records it has, and how many of them are needed. */
  readonly #frames = new Map<number, { records: number; needed: number }>();
  readonly #shelves = new Map<string, Map<string, number>>();
  #lastOrder = 0;
  /** Records in the file. */
  total = 0;
  /** Those among them that are still needed. */
  live = 0;

  constructor(limits: JournalOptions) {
    this.#limits = limits;
  }

  /** Takes in a record that lies in a frame. One about a task that is not kept says nothing. */
  add(record: JournalRecord, frame: number): void {
    this.#count(frame);
    switch (record.kind) {
      case 'accepted':
        this.#lastOrder = Math.max(this.#lastOrder, record.order ?? 0);
        this.#forget(this.#tasks.get(record.id));
        this.#tasks.set(record.id, entryOf(record, frame));
        this.#need(frame);
        return;
      case 'started':
      case 'resting': {
        const entry = this.#tasks.get(record.id);
        if (entry === undefined || entry.state === 'finished') return;
        if (entry.progressFrame !== null) this.#free(entry.progressFrame);
        this.#need(frame);
        entry.progressFrame = frame;
        entry.state = record.kind === 'started' ? 'running' : record.attempts > 0 ? 'retrying' : 'queued';
        entry.attempts = record.attempts;
        entry.crashes = record.crashes;
        if (record.kind === 'started') entry.service = record.service;
        return;
      }
      case 'finished':
        this.#finish(record, frame);
        return;
      case 'shelved': {
        this.#unshelve(record.shelf, record.key);
        this.#shelf(record.shelf).set(record.key, frame);
        this.#need(frame);
        return;
      }
      case 'unshelved':
        this.#unshelve(record.shelf, record.key);
        return;
    }
  }

  get(id: string): KeptEntry | undefined {
    return this.#tasks.get(id);
  }

  /** Tasks that have not ended, in order of their acceptance. */
  open(): KeptEntry[] {
    return this.#inOrder().filter(({ state }) => state !== 'finished');
  }

  /** Ended tasks with an idempotency key, in order of their end. */
  keyed(): KeptEntry[] {
    return [...this.#done.values(), ...this.#dead.values()]
      .filter(({ hasKey }) => hasKey)
      .sort((a, b) => a.finishedAtMs - b.finishedAtMs);
  }

  list({ which, most = 1000 }: TaskFilter = {}): TaskSummary[] {
    const isWanted = (entry: KeptEntry): boolean =>
      which === undefined ||
      (which === 'open' && entry.status === null) ||
      (which === 'dead' && this.#dead.has(entry.id)) ||
      which === statusOf(entry);
    const wanted = this.#inOrder().filter(isWanted);
    return wanted.slice(Math.max(0, wanted.length - most)).map(summaryOf);
  }

  /** The place of one more acceptance. */
  nextOrder(): number {
    this.#lastOrder += 1;
    return this.#lastOrder;
  }

  /** By their acceptance: a record that was moved lies behind younger ones, and the wall clock may be set back. */
  #inOrder(): KeptEntry[] {
    return [...this.#tasks.values()].sort((a, b) => a.order - b.order || a.acceptedAtMs - b.acceptedAtMs);
  }

  /** Whether the task ended without success, and not because someone wanted it to. */
  isDead(id: string): boolean {
    return this.#dead.has(id);
  }

  shelved(shelf: string): readonly (readonly [key: string, frame: number])[] {
    return [...this.#shelf(shelf)];
  }

  /** Forgets the ended tasks whose time is over, and those beyond the limits. */
  expire(nowMs: number): void {
    const { keepSeconds, keepTasks, keepFailedSeconds, keepFailedTasks } = this.#limits;
    this.#expire(this.#done, nowMs - keepSeconds * 1000, keepTasks);
    this.#expire(this.#dead, nowMs - keepFailedSeconds * 1000, keepFailedTasks);
  }

  /** Whether so much of the file is no longer needed that it is worth the work of removing it. */
  get isWorthCompacting(): boolean {
    return this.total - this.live > this.live + SPARE_RECORDS;
  }

  /** Whether a record of a frame is still needed. */
  needs(record: JournalRecord, frame: number): boolean {
    if (record.kind === 'shelved') return this.#shelves.get(record.shelf)?.get(record.key) === frame;
    if (record.kind === 'unshelved') return false;
    const entry = this.#tasks.get(record.id);
    if (entry === undefined) return false;
    if (record.kind === 'accepted') return entry.acceptedFrame === frame;
    return (record.kind === 'finished' ? entry.finishedFrame : entry.progressFrame) === frame;
  }

  /** Whether nothing of a frame is needed. */
  isDone(frame: number): boolean {
    return (this.#frames.get(frame)?.needed ?? 0) === 0;
  }

  /** Records of a frame. */
  sizeOf(frame: number): number {
    return this.#frames.get(frame)?.records ?? 0;
  }

  /** A frame was removed. */
  drop(frame: number): void {
    const { records = 0, needed = 0 } = this.#frames.get(frame) ?? {};
    this.#frames.delete(frame);
    this.total -= records;
    this.live -= needed;
  }

  /** A needed record was copied to another frame, after those that were dropped are. */
  move(record: JournalRecord, frame: number): void {
    this.#count(frame);
    if (record.kind === 'unshelved') return;
    const from = record.kind === 'shelved' ? this.#moveShelved(record, frame) : this.#moveTask(record, frame);
    if (from === undefined) return;
    this.#free(from);
    this.#need(frame);
  }

  /** @returns The frame that it was in. */
  #moveShelved(
    { shelf, key }: { readonly shelf: string; readonly key: string },
    frame: number,
  ): number | undefined {
    const from = this.#shelf(shelf).get(key);
    if (from !== undefined) this.#shelf(shelf).set(key, frame);
    return from;
  }

  #moveTask(record: Exclude<JournalRecord, { shelf: string }>, frame: number): number | undefined {
    const entry = this.#tasks.get(record.id);
    if (entry === undefined) return undefined;
    const place =
      record.kind === 'accepted'
        ? 'acceptedFrame'
        : record.kind === 'finished'
          ? 'finishedFrame'
          : 'progressFrame';
    const from = entry[place];
    entry[place] = frame;
    return from ?? undefined;
  }

  #finish(record: Extract<JournalRecord, { kind: 'finished' }>, frame: number): void {
    const entry = this.#tasks.get(record.id);
    if (entry === undefined || entry.state === 'finished') return;
    if (entry.progressFrame !== null) this.#free(entry.progressFrame);
    this.#need(frame);
    const { status, service, attempts, errorCode } = record;
    Object.assign(entry, {
      progressFrame: null,
      state: 'finished',
      finishedFrame: frame,
      finishedAtMs: record.atMs,
      status,
      attempts,
      errorCode,
      service: service ?? entry.service,
    });
    const isWell = status === 'completed' || status === 'cancelled';
    (isWell ? this.#done : this.#dead).set(entry.id, entry);
  }

  #expire(ended: Map<string, KeptEntry>, beforeMs: number, most: number): void {
    for (const entry of ended.values()) {
      if (ended.size <= most && entry.finishedAtMs >= beforeMs) return;
      this.#forget(entry);
    }
  }

  #forget(entry: KeptEntry | undefined): void {
    if (entry === undefined) return;
    this.#free(entry.acceptedFrame);
    if (entry.progressFrame !== null) this.#free(entry.progressFrame);
    if (entry.finishedFrame !== null) this.#free(entry.finishedFrame);
    this.#tasks.delete(entry.id);
    this.#done.delete(entry.id);
    this.#dead.delete(entry.id);
  }

  #unshelve(shelf: string, key: string): void {
    const frames = this.#shelf(shelf);
    const frame = frames.get(key);
    if (frame !== undefined) this.#free(frame);
    frames.delete(key);
  }

  #count(frame: number): void {
    this.total += 1;
    const known = this.#frames.get(frame);
    if (known === undefined) this.#frames.set(frame, { records: 1, needed: 0 });
    else known.records += 1;
  }

  /** One more record of a frame is needed. */
  #need(frame: number): void {
    this.live += 1;
    const known = this.#frames.get(frame);
    if (known !== undefined) known.needed += 1;
  }

  #free(frame: number): void {
    const known = this.#frames.get(frame);
    // What was dropped is no longer counted.
    if (known === undefined) return;
    this.live -= 1;
    known.needed -= 1;
  }

  #shelf(name: string): Map<string, number> {
    const known = this.#shelves.get(name);
    if (known !== undefined) return known;
    const shelf = new Map<string, number>();
    this.#shelves.set(name, shelf);
    return shelf;
  }
}

/** How a task stands, in the words of {@link TaskSummary}. */
function statusOf({ state, status }: KeptEntry): KeptStatus {
  return state === 'finished' ? (status as TaskStatus) : state;
}

/** A task without its words. */
export function summaryOf(entry: KeptEntry): TaskSummary {
  return {
    taskId: entry.id,
    status: statusOf(entry),
    serviceName: entry.service,
    attempts: entry.attempts,
    acceptedAt: new Date(entry.acceptedAtMs).toISOString(),
    endedAt: entry.status === null ? null : new Date(entry.finishedAtMs).toISOString(),
    errorCode: entry.errorCode,
  };
}

function entryOf(record: Extract<JournalRecord, { kind: 'accepted' }>, frame: number): KeptEntry {
  return {
    id: record.id,
    acceptedAtMs: record.atMs,
    order: record.order ?? 0,
    acceptedFrame: frame,
    hasKey: record.key !== null,
    progressFrame: null,
    state: 'queued',
    attempts: 0,
    crashes: 0,
    service: null,
    finishedFrame: null,
    finishedAtMs: 0,
    status: null,
    errorCode: null,
  };
}
