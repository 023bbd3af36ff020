import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Shelf, TaskDetail } from '../../core/engine.js';
import type { JournalOptions } from '../../core/engine-config.js';
import type { Log } from '../../core/environment.js';
import type { OrchestratorError } from '../../core/errors.js';
import { type JournalRecord, type TaskBody, taskBodySchema } from '../../core/journal-record.js';
import type { TaskResult } from '../../core/result.js';
import { Books, type KeptEntry, summaryOf } from './books.js';
import { explain, FrameTable, keepCorrupt } from './frame-table.js';
import { type Compaction, GroupCommit } from './group-commit.js';
import { decodeFrame, type RecordLine, textOf } from './record.js';
import { repairFile } from './repair.js';
import { Reserve } from './reserve.js';

/** How often ended tasks whose time is over are looked for while nothing else is written, in milliseconds. */
const TIDY_MS = 10_000;
/** Old records that are removed at a time, beside twice as many as are added: a removal costs a transaction. */
const REMOVED_RECORDS = 500;
/** Pause between two pieces of that work, in milliseconds, and the records of a piece. */
const TIDY_PAUSE_MS = 10;
const TIDIED_RECORDS = 1000;

/** What goes with a record; all of it may be left out. */
export interface Outcome {
  /** What belongs to the record, as JSON. */
  readonly body?: string;
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
    const ports = { path: options.path, table, reserve: this.#reserve, log };
    this.#writer = new GroupCommit(ports, {
      written: (record, frame) => books.add(record, frame),
      compaction: (records) => this.#compaction(records),
    });
    books.expire(Date.now());
    this.#tidyLater();
  }

  /**
   * Opens a journal and reads it.
   *
   * @param openTable - Opens the file; another one stands for a disk that fails.
   * @throws OrchestratorError `JOURNAL_LOCKED`, `JOURNAL_CORRUPT`, `JOURNAL_FAILED`, `MISSING_PACKAGE`
   */
  static open(said: JournalOptions, log: Log, openTable = FrameTable.open): Journal {
    const path = fileOf(said.path);
    const options = { ...said, path };
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

  /** The record of an acceptance, the next one in the order of all. */
  acceptance(id: string, key: string | null): JournalRecord {
    return { kind: 'accepted', id, atMs: Date.now(), order: this.books.nextOrder(), key };
  }

  /** Writes a record by the end of this turn of the event loop. */
  add(record: JournalRecord, { body, mayBeRefused = false, done, refused }: Outcome = {}): void {
    this.#writer.add({ record, text: textOf(record, body), mayBeRefused, done, refused });
  }

  /** Calls back once all records that were added before are written. */
  afterAll(done: () => void): void {
    this.#writer.add({ record: null, text: '', mayBeRefused: false, done, refused: done });
  }

  /** Resolves once all records that were added are written, or refused. */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  commit(): void {
    this.#writer.commit();
  }

  /** What its caller asked for, and under which key. */
  askedFor({ id, acceptedFrame }: KeptEntry): (TaskBody & { readonly key: string | null }) | undefined {
    const line = this.#find(acceptedFrame, ({ record }) => record.kind === 'accepted' && record.id === id);
    if (line?.record.kind !== 'accepted') return undefined;
    const body = taskBodySchema.safeParse(JSON.parse(line.body));
    return body.success ? { ...body.data, key: line.record.key } : undefined;
  }

  /** How it ended; null while it has not. */
  resultOf({ id, finishedFrame }: KeptEntry): TaskResult | null {
    if (finishedFrame === null) return null;
    const line = this.#find(finishedFrame, ({ record }) => record.kind === 'finished' && record.id === id);
    return line === undefined ? null : (JSON.parse(line.body) as TaskResult);
  }

  find(taskId: string): TaskDetail | undefined {
    const entry = this.books.get(taskId);
    const asked = entry && this.askedFor(entry);
    if (entry === undefined || asked === undefined) return undefined;
    const { text: task, kwargs, key: idempotencyKey } = asked;
    return { ...summaryOf(entry), task, kwargs, idempotencyKey, result: this.resultOf(entry) };
  }

  shelf(name: string): Shelf {
    const read = (key: string, frame: number): string | undefined => {
      const line = this.#find(
        frame,
        ({ record }) => record.kind === 'shelved' && record.shelf === name && record.key === key,
      );
      return line && (JSON.parse(line.body) as string);
    };
    return {
      put: (key, text) => this.add({ kind: 'shelved', shelf: name, key }, { body: JSON.stringify(text) }),
      drop: (key) => this.add({ kind: 'unshelved', shelf: name, key }),
      find: async (key) => {
        const found = this.books.shelved(name).find(([its]) => its === key);
        return found && read(...found);
      },
      entries: () =>
        this.books.shelved(name).flatMap(([key, frame]) => {
          const text = read(key, frame);
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

  /** The last one counts, as everywhere. */
  #find(frame: number, isIt: (line: RecordLine) => boolean): RecordLine | undefined {
    return this.#linesOf(frame).findLast(isIt);
  }

  #linesOf(seq: number): RecordLine[] {
    const frame = this.#table.read(seq);
    if (frame === undefined) return [];
    return decodeFrame(seq, frame.count, frame.body).filter((line) => typeof line !== 'string');
  }

  /**
   * The oldest frames go, and what is still needed of them is written again: as much with each commit as it adds twice
   * over, so that the file stays within twice of what is needed.
   */
  #compaction(records: number): Compaction | null {
    this.books.expire(Date.now());
    return this.books.isWorthCompacting ? this.#removal(2 * records + REMOVED_RECORDS) : null;
  }

  /** The oldest frames, of about so many records. */
  #removal(records: number): Compaction {
    const { books } = this;
    const table = this.#table;
    const moved = new Map<string, RecordLine>();
    let first = table.first;
    let read = 0;
    const from = first;
    while (read < records && first < table.next) {
      read += books.sizeOf(first);
      // Most of the oldest frames need not even be read.
      if (!books.isDone(first)) for (const line of this.#neededOf(first)) moved.set(line.text, line);
      first += 1;
    }
    const removed = (): void => {
      for (let frame = from; frame < first; frame += 1) books.drop(frame);
    };
    const lines = [...moved.values()].map(({ record, text }) => ({
      text,
      moveTo: (frame: number) => books.move(record, frame),
    }));
    return { first, moved: lines, removed };
  }

  /**
   * What is needed of a frame. All records of a task go with that of its acceptance, those too that lie in later frames:
   * a record must not come to lie behind one that follows from it.
   */
  #neededOf(frame: number): RecordLine[] {
    const { books } = this;
    const tasks = new Map<string, RecordLine[]>();
    const shelved: RecordLine[] = [];
    for (const line of this.#linesOf(frame)) {
      const { record } = line;
      if (!books.needs(record, frame)) continue;
      if (record.kind === 'accepted') tasks.set(record.id, [line, ...this.#followersOf(record.id)]);
      else if (record.kind === 'shelved') shelved.push(line);
    }
    return [...tasks.values(), shelved].flat();
  }

  /** The records that say how far a task has come, in order. */
  #followersOf(id: string): RecordLine[] {
    const { progressFrame = null, finishedFrame = null } = this.books.get(id) ?? {};
    const isOf = ({ record }: RecordLine): boolean => 'id' in record && record.id === id;
    const progress = ({ record }: RecordLine): boolean =>
      record.kind === 'started' || record.kind === 'resting';
    return [
      progressFrame === null ? undefined : this.#find(progressFrame, (line) => isOf(line) && progress(line)),
      finishedFrame === null
        ? undefined
        : this.#find(finishedFrame, (line) => isOf(line) && line.record.kind === 'finished'),
    ].filter((line) => line !== undefined);
  }

  /**
   * Goes through so many of the oldest records, if that is worth it, and gives back room that is not used.
   *
   * @returns Whether there is more to do.
   */
  tidy(records = TIDIED_RECORDS): boolean {
    const { first } = this.#table;
    this.#writer.compact(this.#compaction(records));
    if (this.#table.first > first) this.#isTidied = false;
    else if (!this.#isTidied) this.#isTidied = !this.#table.shrink();
    return !this.#isTidied;
  }

  #tidyUnlessBroken(): boolean {
    if (this.#writer.failure !== null || this.#writer.isFull) return false;
    try {
      return this.tidy();
    } catch {
      // Whatever is wrong with the disk, the next record finds out and tells.
      return false;
    }
  }

  /** Goes through so many of the oldest records, whether that is worth it or not. */
  compactNow(records: number): void {
    this.#writer.compact(this.#removal(records));
  }

  /** While there is nothing else to do, piece by piece, so that the event loop is not held up. */
  #tidyLater(delayMs = TIDY_MS): void {
    this.#tidying = setTimeout(() => {
      const isMore = this.#tidyUnlessBroken();
      this.#tidyLater(isMore ? TIDY_PAUSE_MS : TIDY_MS);
    }, delayMs);
    this.#tidying.unref();
  }
}

/** The file itself: its log stands beside it, not beside a link; and the driver would take `:memory:` or a URL otherwise. */
function fileOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
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
