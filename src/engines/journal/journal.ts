import type { Shelf, TaskDetail } from '../../core/engine.js';
import type { JournalOptions } from '../../core/engine-config.js';
import type { Log } from '../../core/environment.js';
import type { OrchestratorError } from '../../core/errors.js';
import type { AcceptedRecord, FinishedRecord, JournalRecord } from '../../core/journal-record.js';
import type { TaskResult } from '../../core/result.js';
import { Books, type KeptEntry, summaryOf } from './books.js';
import { explain, FrameTable, keepCorrupt } from './frame-table.js';
import { type Compaction, type Entry, GroupCommit } from './group-commit.js';
import { decodeFrame, type RecordLine } from './record.js';
import { repairFile } from './repair.js';
import { Reserve } from './reserve.js';

/** How often ended tasks whose time is over are looked for while nothing else is written, in milliseconds. */
const TIDY_MS = 10_000;
/** Pause between two pieces of that work, in milliseconds, and the records of a piece. */
const TIDY_PAUSE_MS = 10;
const TIDIED_RECORDS = 1000;

/** What follows from a record; all of it is left out for one that nobody waits for. */
export interface Outcome {
  /** Whether the record may be refused when there is no room. Default false. */
  readonly mayBeRefused?: boolean;
  readonly done?: () => void;
  readonly refused?: (error: OrchestratorError) => void;
}

/**
 * A file of tasks and of what became of them.
 *
 * Owns: the frames, the books over them, what is to be written. Knows nothing of services: whether a task that was begun
 * may be begun again is the engine's matter.
 */
export class Journal {
  readonly path: string;
  readonly options: JournalOptions;
  readonly books: Books;
  readonly #table: FrameTable;
  readonly #writer: GroupCommit;
  readonly #reserve: Reserve;
  #tidying: NodeJS.Timeout | undefined;
  /** Room that is not used was given back to the disk. */
  #isTidied = false;

  private constructor(options: JournalOptions, table: FrameTable, books: Books, log: Log) {
    this.path = options.path;
    this.options = options;
    this.books = books;
    this.#table = table;
    this.#reserve = new Reserve(options.path, table, options.maxBytes);
    this.#reserve.restore();
    const ports = { path: options.path, table, reserve: this.#reserve, log };
    this.#writer = new GroupCommit(ports, (records) => this.#compaction(records));
    books.expire(Date.now());
    this.#tidyLater();
  }

  /**
   * Opens a journal and reads it.
   *
   * @param openTable - Opens the file; another one stands for a disk that fails.
   * @throws OrchestratorError `JOURNAL_LOCKED`, `JOURNAL_CORRUPT`, `JOURNAL_FAILED`, `MISSING_PACKAGE`
   */
  static open(options: JournalOptions, log: Log, openTable = FrameTable.open): Journal {
    if (options.repair) repairFile(options, log);
    const table = openTable({ ...options, repair: false });
    try {
      const books = new Books(options);
      const damage = readAll(table, books);
      if (damage !== null) throw keepCorrupt(options.path, damage);
      return new Journal(options, table, books, log);
    } catch (cause) {
      const fault = explain(options.path, cause);
      table.close();
      throw fault;
    }
  }

  /** Why nothing is written any more, or null. */
  get failure(): OrchestratorError | null {
    return this.#writer.failure;
  }

  /** Size of the file, in bytes; without its log. */
  get sizeBytes(): number {
    return this.#table.sizeBytes;
  }

  /** Writes a record by the end of this turn of the event loop. */
  add(record: JournalRecord, outcome: Outcome = {}): void {
    this.#writer.add(this.#entryOf(record, JSON.stringify(record), outcome));
  }

  /** Calls back once all records that were added before are written. */
  afterAll(done: () => void): void {
    this.#writer.add({ json: null, mayBeRefused: false, written: () => {}, done, refused: done });
  }

  /** Resolves once all records that were added are written, or refused. */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  commit(): void {
    this.#writer.commit();
  }

  /** The record of an acceptance, as it lies in the file. */
  acceptedOf(entry: KeptEntry): AcceptedRecord | undefined {
    return this.#find(entry.acceptedFrame, 'accepted', entry.id);
  }

  finishedOf({ id, finishedFrame }: KeptEntry): FinishedRecord | undefined {
    return finishedFrame === null ? undefined : this.#find(finishedFrame, 'finished', id);
  }

  find(taskId: string): TaskDetail | undefined {
    const entry = this.books.get(taskId);
    const accepted = entry && this.acceptedOf(entry);
    if (entry === undefined || accepted === undefined) return undefined;
    return {
      ...summaryOf(entry),
      task: accepted.text,
      kwargs: accepted.kwargs,
      idempotencyKey: accepted.key,
      result: (this.finishedOf(entry)?.result as TaskResult | undefined) ?? null,
    };
  }

  shelf(name: string): Shelf {
    return {
      put: (key, text) => this.add({ kind: 'shelved', shelf: name, key, text }),
      drop: (key) => this.add({ kind: 'unshelved', shelf: name, key }),
      entries: () =>
        this.books.shelved(name).flatMap(([key, frame]) => {
          const text = this.#shelvedText(frame, name, key);
          return text === undefined ? [] : [[key, text] as const];
        }),
      kept: () => this.settled(),
    };
  }

  /** Writes what can be written, refuses the rest and lets go of the file. */
  close(): void {
    clearTimeout(this.#tidying);
    this.#writer.end();
    this.#reserve.remove();
    this.#table.close();
  }

  #entryOf(record: JournalRecord, json: string, { mayBeRefused = false, done, refused }: Outcome): Entry {
    return {
      json,
      mayBeRefused,
      written: (frame) => this.books.add(record, frame),
      done: () => done?.(),
      refused: (error) => refused?.(error),
    };
  }

  #find<K extends 'accepted' | 'finished'>(
    frame: number,
    kind: K,
    id: string,
  ): Extract<JournalRecord, { kind: K }> | undefined {
    let found: Extract<JournalRecord, { kind: K }> | undefined;
    // The last one counts, as everywhere.
    for (const { record } of this.#linesOf(frame)) {
      if (record.kind === kind && 'id' in record && record.id === id) found = record as typeof found;
    }
    return found;
  }

  #shelvedText(frame: number, shelf: string, key: string): string | undefined {
    let text: string | undefined;
    for (const { record } of this.#linesOf(frame)) {
      if (record.kind === 'shelved' && record.shelf === shelf && record.key === key) text = record.text;
    }
    return text;
  }

  #linesOf(seq: number): RecordLine[] {
    const frame = this.#table.read(seq);
    if (frame === undefined) return [];
    return [...decodeFrame(seq, frame.count, frame.body)].filter((line) => typeof line !== 'string');
  }

  /**
   * The oldest frames go, and what is still needed of them is written again: as much with each commit as it adds twice
   * over, so that the file stays within twice of what is needed.
   */
  #compaction(records: number): Compaction | null {
    this.books.expire(Date.now());
    return this.books.isWorthCompacting ? this.#removal(2 * records + 16) : null;
  }

  /** The oldest frames, of about so many records. */
  #removal(records: number): Compaction {
    const { books } = this;
    const table = this.#table;
    const moved: { json: string; moveTo(frame: number): void }[] = [];
    let first = table.first;
    let read = 0;
    while (read < records && first < table.next) {
      for (const { record, json } of this.#linesOf(first)) {
        read += 1;
        if (books.needs(record, first)) moved.push({ json, moveTo: (frame) => books.move(record, frame) });
      }
      first += 1;
    }
    const removed = read;
    return {
      first,
      moved,
      removed: () => {
        books.total -= removed;
      },
    };
  }

  /**
   * Goes through so many of the oldest records, if that is worth it, and gives back room that is not used.
   *
   * @returns Whether there is more to do.
   */
  tidy(records = TIDIED_RECORDS): boolean {
    const { first } = this.#table;
    this.#writer.compact(this.#compaction(records));
    const hasMoved = this.#table.first > first;
    if (hasMoved) this.#isTidied = false;
    else if (!this.#isTidied) {
      this.#isTidied = true;
      this.#table.shrink();
    }
    return hasMoved;
  }

  /** While there is nothing else to do, piece by piece, so that the event loop is not held up. */
  #tidyLater(delayMs = TIDY_MS): void {
    this.#tidying = setTimeout(() => {
      const isMore = this.#writer.failure === null && this.tidy();
      this.#tidyLater(isMore ? TIDY_PAUSE_MS : TIDY_MS);
    }, delayMs);
    this.#tidying.unref();
  }
}

/** Reads all records into the books, up to the first damage; what that is, or null. */
function readAll(table: FrameTable, books: Books): string | null {
  let next = table.first;
  for (const { seq, count, body } of table.frames()) {
    if (seq !== next) return `frames ${next} to ${seq - 1} are missing`;
    next = seq + 1;
    for (const line of decodeFrame(seq, count, body)) {
      if (typeof line === 'string') return line;
      books.add(line.record, seq);
    }
  }
  return null;
}
