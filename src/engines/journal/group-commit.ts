import type { Log } from '../../core/environment.js';
import { journalFailed, journalFull, messageOf, type OrchestratorError } from '../../core/errors.js';
import type { JournalRecord } from '../../core/journal-record.js';
import type { FrameBody, FrameTable } from './frame-table.js';
import { encodeFrame } from './record.js';
import type { Reserve } from './reserve.js';

/** Something to write, and what follows from it. */
export interface Entry {
  /** Null for what only waits until all before it is written. */
  readonly record: JournalRecord | null;
  /** The record with its body, as it is written. */
  readonly text: string;
  /** Whether it may be refused when there is no room. All else waits for room: it is about work that was accepted. */
  readonly mayBeRefused: boolean;
  /** It is on the disk, and the outside may be told. */
  readonly done: (() => void) | undefined;
  /** It is not written and will not be. */
  readonly refused: ((error: OrchestratorError) => void) | undefined;
}

/** Old frames to remove with a commit, and what is still needed of them. */
export interface Compaction {
  /** The number of the first frame that stays. */
  readonly first: number;
  readonly moved: readonly { readonly text: string; moveTo(frame: number): void }[];
  /** They are removed. */
  removed(): void;
}

/** What follows a commit, and goes along with it. */
export interface BookKeeping {
  /** A record lies in a frame on the disk. Nothing is called out here. */
  written(record: JournalRecord, frame: number): void;
  /** What to remove along with that many records, or null. */
  compaction(records: number): Compaction | null;
}

/** How soon what found no room is tried again, in milliseconds. */
const RETRY_MS = 100;

/**
 * Writes all entries of one turn of the event loop in one transaction: durability costs one sync per turn, however many
 * tasks are under way.
 *
 * Owns: what is not written yet. Talks to: the frame table, the books, and each entry.
 *
 * Invariants
 * - L1 Entries are written in the order in which they came; each is told exactly one of `done` and `refused`.
 * - L2 State first: all records of a commit are in the books before the first entry is `done`.
 * - L3 A commit that failed is never taken for one that did not. After a fault other than a full disk nothing is written
 *   any more.
 */
export class GroupCommit {
  readonly #path: string;
  readonly #table: FrameTable;
  readonly #reserve: Reserve;
  readonly #log: Log;
  readonly #books: BookKeeping;
  #entries: Entry[] = [];
  #turn: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failure: OrchestratorError | null = null;
  #isFull = false;
  #triesReserveAtMs = 0;
  #waiters: (() => void)[] = [];

  constructor(
    ports: {
      readonly path: string;
      readonly table: FrameTable;
      readonly reserve: Reserve;
      readonly log: Log;
    },
    books: BookKeeping,
  ) {
    this.#path = ports.path;
    this.#table = ports.table;
    this.#reserve = ports.reserve;
    this.#log = ports.log;
    this.#books = books;
    // Without it tasks would be accepted whose ends find no room.
    if (!ports.reserve.restore()) this.#turnFull();
  }

  /** Why nothing is written any more, or null. */
  get failure(): OrchestratorError | null {
    return this.#failure;
  }

  /** Whether there was no room at the last attempt. */
  get isFull(): boolean {
    return this.#isFull;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#turn ??= setImmediate(this.commit);
  }

  /** Resolves once all that was added is written or refused. */
  settled(): Promise<void> {
    if (this.#entries.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Writes what there is. */
  readonly commit = (): void => {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    if (this.#failure !== null) this.#refuse(entries, this.#failure);
    else this.#write(entries);
    this.#tellWaiters();
  };

  /** Removes what is no longer needed, without anything to write. */
  compact(compaction: Compaction | null): void {
    if (this.#failure !== null || this.#entries.length > 0) return;
    if (compaction === null) return;
    try {
      this.#transact([], compaction);
    } catch (cause) {
      if (!this.#reserve.isOfRoom(cause)) this.#fail(cause);
    }
  }

  /** Writes what can be written and refuses the rest. */
  end(): void {
    this.commit();
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const left = this.#entries;
    this.#entries = [];
    clearImmediate(this.#turn);
    this.#turn = undefined;
    if (left.length > 0) this.#refuse(left, journalFull(this.#path, undefined));
    this.#tellWaiters();
  }

  #write(entries: readonly Entry[]): void {
    const hasNewTasks = this.#isFull && entries.some(({ mayBeRefused }) => mayBeRefused);
    if (hasNewTasks && !this.#takeBackReserve()) {
      this.#makeRoom(entries, undefined);
      return;
    }
    try {
      // To remove old frames takes room in the log first, and what was kept for the accepted tasks is for nothing else.
      const compaction = this.#isFull && !hasNewTasks ? null : this.#books.compaction(entries.length);
      this.#transactSomehow(entries, compaction);
      if (hasNewTasks) {
        this.#isFull = false;
        this.#log.info({ path: this.#path }, 'the journal has room again');
      }
    } catch (cause) {
      if (this.#reserve.isOfRoom(cause)) this.#makeRoom(entries, cause);
      else {
        this.#fail(cause);
        this.#refuse(entries, this.#failure as unknown as OrchestratorError);
      }
      return;
    }
    for (const entry of entries) entry.done?.();
  }

  /** Once more with the room that the log takes, if there is no other. */
  #transactSomehow(entries: readonly Entry[], compaction: Compaction | null): void {
    try {
      this.#transact(entries, compaction);
    } catch (cause) {
      if (!this.#reserve.isOfRoom(cause) || !this.#table.emptyLogIfItFits()) throw cause;
      this.#transact(entries, compaction);
    }
  }

  #transact(entries: readonly Entry[], compaction: Compaction | null): void {
    const table = this.#table;
    const moved = compaction?.moved ?? [];
    const writing = entries.filter(({ record }) => record !== null);
    const texts = [...moved, ...writing].map(({ text }) => text);
    const { frames, frameOf } = toFrames(table.next, texts);
    if (frames.length > 0 || compaction !== null) table.write(frames, compaction?.first);
    compaction?.removed();
    for (const [index, each] of moved.entries()) each.moveTo(frameOf(index));
    for (const [index, { record }] of writing.entries()) {
      if (record !== null) this.#books.written(record, frameOf(moved.length + index));
    }
  }

  #turnFull(): void {
    if (!this.#isFull) this.#log.error({ path: this.#path }, 'the journal is full; new tasks are refused');
    this.#isFull = true;
  }

  /** There is no room: new tasks are refused, and what concerns accepted ones takes the room that was kept for it. */
  #makeRoom(entries: readonly Entry[], cause: unknown): void {
    this.#turnFull();
    const kept = entries.filter(({ mayBeRefused }) => !mayBeRefused);
    const refused = entries.filter(({ mayBeRefused }) => mayBeRefused);
    this.#refuse(refused, journalFull(this.#path, cause));
    if (kept.length === 0) return;
    try {
      this.#reserve.release();
      this.#transactSomehow(kept, null);
    } catch (again) {
      if (this.#reserve.isOfRoom(again)) this.#tryLater(kept);
      else {
        this.#fail(again);
        this.#refuse(kept, this.#failure as unknown as OrchestratorError);
      }
      return;
    }
    for (const entry of kept) entry.done?.();
  }

  #tryLater(entries: readonly Entry[]): void {
    // What came meanwhile, by those who were refused, is later.
    this.#entries.unshift(...entries);
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.commit();
    }, RETRY_MS);
  }

  /** New tasks must not eat what is kept for the accepted ones. Tried now and then only: it writes and syncs. */
  #takeBackReserve(): boolean {
    const nowMs = performance.now();
    if (nowMs < this.#triesReserveAtMs) return false;
    this.#triesReserveAtMs = nowMs + RETRY_MS;
    try {
      if (!this.#table.emptyLogIfItFits()) {
        // What the file grows by may fit into the reserve; more is free then.
        this.#reserve.release();
        this.#table.emptyLogIfItFits();
      }
      return this.#reserve.restore();
    } catch {
      // There is no room yet; whatever else is wrong with the disk, the next record finds out and tells.
      return false;
    }
  }

  #fail(cause: unknown): void {
    this.#failure = journalFailed(this.#path, cause);
    this.#log.error(
      { path: this.#path, cause: messageOf(cause) },
      'the journal failed; nothing more is accepted',
    );
  }

  #refuse(entries: readonly Entry[], error: OrchestratorError): void {
    for (const entry of entries) entry.refused?.(error);
  }

  #tellWaiters(): void {
    if (this.#entries.length > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** Most records of a frame, and most characters: the driver takes no value of any length. */
const FRAME_RECORDS = 10_000;
const FRAME_CHARS = 32 * 1024 * 1024;

/** The frames for records, and which of them each is in. Nearly always it is one. */
function toFrames(
  next: number,
  texts: readonly string[],
): { readonly frames: FrameBody[]; readonly frameOf: (index: number) => number } {
  const ends: number[] = [];
  let begin = 0;
  let chars = 0;
  for (const [index, { length }] of texts.entries()) {
    if (index > begin && (index - begin >= FRAME_RECORDS || chars + length > FRAME_CHARS)) {
      ends.push(index);
      begin = index;
      chars = 0;
    }
    chars += length;
  }
  if (texts.length > 0) ends.push(texts.length);
  const frames = ends.map((end, at) => {
    const lines = texts.slice(ends[at - 1] ?? 0, end);
    return { count: lines.length, body: encodeFrame(next + at, lines) };
  });
  return { frames, frameOf: (index) => next + ends.findIndex((end) => index < end) };
}
