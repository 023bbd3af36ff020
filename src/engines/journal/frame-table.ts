import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JournalOptions } from '../../core/engine-config.js';
import * as errors from '../../core/errors.js';
import { faultOfPlace, isForeign } from './journal-place.js';
import { type Database, openDatabase, sqliteCode } from './libsql.js';
import { damageOfWal } from './wal.js';

/** Tells a journal from another database: "gafr". */
const APPLICATION_ID = 0x67616672;
const VERSION = 1;

/** A damaged text would end the process inside the driver, so whatever lies there is read as bytes. */
const SELECT_FRAMES = 'SELECT seq, CAST(count AS INTEGER) AS count, CAST(body AS BLOB) AS body FROM frame';

/** Pages that are given back in one step: it must not hold up the event loop. */
const SHRUNK_PAGES = 2000;

/** Most pages of the log before they are moved into the file; each move is synced twice. */
const LOG_PAGES = 2000;
/** The log takes no more of a disk, so that on a small one there is room for the file, which grows as it is moved. */
const LOG_SHARE = 1 / 8;

/** What opening a file takes. `repair`: damage does not matter. */
export type TableOptions = Pick<JournalOptions, 'path' | 'synchronous' | 'repair'>;

/** The records of a frame. */
export interface FrameBody {
  /** How many they are. */
  readonly count: number;
  readonly body: Buffer;
}

/** A frame as it lies in the file. */
export interface StoredFrame extends FrameBody {
  readonly seq: number;
}

/**
 * The file of a journal: frames by number, appended at one end and removed at the other, without a gap.
 *
 * Owns: the database and its lock. Invariants:
 * - L1 one process at a time; the lock is the operating system's, and a dead process has none;
 * - L2 what a transaction wrote is on the disk when it returns (`synchronous`), or nothing of it is.
 */
export class FrameTable {
  /** Numbers of the frames that are there: from `first` up to, but not including, `next`. */
  first = 1;
  next = 1;
  readonly #path: string;
  readonly #db: Database;
  readonly #insert: { run(seq: number, count: number, body: Buffer): unknown };
  readonly #select: { get(values: readonly [number]): unknown };
  readonly #pageBytes: number;
  readonly #logPages: number;

  private constructor(path: string, db: Database) {
    this.#path = path;
    this.#db = db;
    this.#insert = db.prepare<[number, number, Buffer]>(
      'INSERT INTO frame(seq, count, body) VALUES (?, ?, ?)',
    );
    this.#select = db.prepare(`${SELECT_FRAMES} WHERE seq = ?`);
    this.#pageBytes = Number(pragma(db, 'page_size'));
    const { blocks, bsize } = statfsSync(dirname(path));
    const share = Math.floor((blocks * bsize * LOG_SHARE) / this.#pageBytes);
    // Some disks, those of networks for instance, do not tell their size.
    this.#logPages = Math.min(LOG_PAGES, share || LOG_PAGES);
    this.movesLog(true);
    const bounds = db.prepare('SELECT min(seq) AS first, max(seq) AS last FROM frame').get() as {
      first: number | null;
      last: number | null;
    };
    this.first = bounds.first ?? 1;
    this.next = (bounds.last ?? 0) + 1;
  }

  /**
   * Opens the file, and makes it when there is none.
   *
   * @throws OrchestratorError `JOURNAL_LOCKED`, `JOURNAL_CORRUPT`, `JOURNAL_FAILED`, `MISSING_PACKAGE`
   */
  static open({ path, synchronous, repair }: TableOptions): FrameTable {
    if (!repair && existsSync(corruptPath(path))) {
      throw errors.journalCorrupt(path, 'damage was found at an earlier start', [corruptPath(path)]);
    }
    const db = openFile(path);
    let mode = 'delete';
    try {
      // Before the file is read: then the index of its log is in memory, else in a file that may find no room.
      db.pragma('locking_mode=EXCLUSIVE');
      // One that is not a journal of this version is left as it was found.
      mode = String(pragma(db, 'journal_mode'));
      const isNew = identify(db, path);
      mode = 'delete';
      // Before the first transaction; after it SQLite takes no notice, or writes over a log that was not looked at yet.
      if (Number(pragma(db, 'page_count')) === 0) db.pragma('auto_vacuum=INCREMENTAL');
      lock(db);
      const damage = damageOfWal(path);
      if (damage !== null && !repair) throw keepCorrupt(path, damage);
      prepare(db, synchronous, isNew);
      return new FrameTable(path, db);
    } catch (cause) {
      const isOther = !repair && sqliteCode(cause) === 'SQLITE_NOTADB' && isForeign(path);
      const fault = isOther ? errors.notAJournal(path, cause) : explain(path, cause);
      release(db, mode);
      throw fault;
    }
  }

  /** All frames in order. */
  *frames(): Generator<StoredFrame> {
    for (const row of this.#db.prepare(`${SELECT_FRAMES} ORDER BY seq`).iterate()) yield toFrame(row);
  }

  read(seq: number): StoredFrame | undefined {
    const row = this.#select.get([seq]);
    return row === undefined ? undefined : toFrame(row);
  }

  /**
   * Appends frames and removes those before `first`, at once or not at all.
   *
   * @throws the driver's error; then nothing has changed.
   */
  write(frames: readonly FrameBody[], first = this.first): void {
    const [only, ...others] = frames;
    // A statement on its own is a transaction.
    if (only !== undefined && others.length === 0 && first === this.first) {
      this.#insert.run(this.next, only.count, only.body);
    } else this.#replace(frames, first);
    this.next += frames.length;
    this.first = first;
  }

  #replace(frames: readonly FrameBody[], first: number): void {
    const db = this.#db;
    db.exec('BEGIN IMMEDIATE');
    try {
      // In this order, so that the one can have the other's room.
      if (first > this.first) db.exec(`DELETE FROM frame WHERE seq < ${first}`);
      for (const [index, { count, body }] of frames.entries())
        this.#insert.run(this.next + index, count, body);
      db.exec('COMMIT');
    } catch (cause) {
      // Some faults have rolled it back already.
      if (db.inTransaction) db.exec('ROLLBACK');
      throw cause;
    }
  }

  /** Sets how large the file may become. It never shrinks by that. */
  limitTo(maxBytes: number): void {
    const pages = Number.isFinite(maxBytes)
      ? Math.max(1, Math.floor(maxBytes / this.#pageBytes))
      : 0xfffffffe;
    this.#db.exec(`PRAGMA max_page_count=${Math.min(pages, 0xfffffffe)}`);
  }

  /** Gives some of the room that is no longer used back to the disk. @returns Whether there is more. */
  shrink(): boolean {
    this.#db.exec(`PRAGMA incremental_vacuum(${SHRUNK_PAGES})`);
    this.emptyLog();
    return Number(pragma(this.#db, 'freelist_count')) > 0;
  }

  /** Moves what is in the log into the file itself. */
  emptyLog(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
  }

  /**
   * Moves what is in the log into the file, if there is room for what the file grows by; then all of the log is free. A move
   * that finds no room halfway would take what room there is and free nothing.
   *
   * @returns Whether it did.
   */
  emptyLogIfItFits(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    if (this.sizeBytes - statSync(this.#path).size > bavail * bsize) return false;
    this.emptyLog();
    return true;
  }

  /** Whether the log is moved into the file by itself, whenever it has become long. It is, unless told otherwise. */
  movesLog(doesMove: boolean): void {
    this.#db.pragma(`wal_autocheckpoint=${doesMove ? this.#logPages : 0}`);
  }

  get sizeBytes(): number {
    return Number(pragma(this.#db, 'page_count')) * this.#pageBytes;
  }

  close(): void {
    release(this.#db);
  }
}

/** Where the file goes when it is damaged. */
export function corruptPath(path: string): string {
  return `${path}.corrupt`;
}

/** Keeps copies of a damaged journal, and says so. Later starts are refused as long as they are there. */
export function keepCorrupt(path: string, what: string, cause?: unknown): errors.OrchestratorError {
  const copies: string[] = [];
  for (const suffix of ['', '-wal']) {
    if (!existsSync(path + suffix)) continue;
    copyFileSync(path + suffix, corruptPath(path) + suffix);
    copies.push(corruptPath(path) + suffix);
  }
  return errors.journalCorrupt(path, what, copies, cause);
}

/** What a fault of the driver means. Whatever says that the file is damaged has copies kept. */
export function explain(path: string, cause: unknown): unknown {
  const code = sqliteCode(cause);
  if (code === '') return cause;
  if (code.startsWith('SQLITE_BUSY')) return errors.journalLocked(path, cause);
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return keepCorrupt(path, errors.messageOf(cause), cause);
  }
  return errors.journalUnusable(path, cause);
}

/** The driver gives bytes as a Buffer or an ArrayBuffer, by the way they are read. */
function toFrame(row: unknown): StoredFrame {
  const { seq, count, body } = row as {
    seq: number;
    count: number | null;
    body: Buffer | ArrayBuffer | null;
  };
  const bytes = body instanceof ArrayBuffer ? Buffer.from(body) : (body ?? Buffer.alloc(0));
  return { seq, count: count ?? 0, body: bytes };
}

function openFile(path: string): Database {
  const fault = existsSync(path) ? faultOfPlace(path) : null;
  if (fault !== null) throw errors.journalUnusable(path, fault);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Tasks are nobody else's business; SQLite gives its log the same permissions. Only a file that is not there yet: to
    // close one would take its lock away from an orchestrator of this process that has it.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw errors.journalUnusable(path, cause);
  }
  try {
    return openDatabase(path);
  } catch (cause) {
    // The driver is not there.
    if (cause instanceof errors.OrchestratorError) throw cause;
    throw errors.journalUnusable(path, cause);
  }
}

/** Looks, and changes nothing, so that the file of another program stays as it is. True for an empty one. */
function identify(db: Database, path: string): boolean {
  const tables = Number(pragmaValue(db.prepare('SELECT count(*) FROM sqlite_master').get()));
  if (tables === 0) return true;
  if (Number(pragma(db, 'application_id')) !== APPLICATION_ID) {
    throw errors.journalUnusable(path, 'it is a database of something else');
  }
  const version = Number(pragma(db, 'user_version'));
  if (version !== VERSION) throw errors.journalVersion(path, version, VERSION);
  return false;
}

function lock(db: Database): void {
  db.exec('BEGIN IMMEDIATE');
  db.exec('ROLLBACK');
}

function prepare(db: Database, synchronous: JournalOptions['synchronous'], isNew: boolean): void {
  db.pragma('journal_mode=WAL');
  db.pragma(`synchronous=${synchronous.toUpperCase()}`);
  if (!isNew) return;
  db.exec(
    `BEGIN IMMEDIATE;
     CREATE TABLE frame(seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
     PRAGMA application_id=${APPLICATION_ID};
     PRAGMA user_version=${VERSION};
     COMMIT`,
  );
}

function pragma(db: Database, name: string): unknown {
  const [row] = db.pragma(name) as readonly unknown[];
  return pragmaValue(row);
}

function pragmaValue(row: unknown): unknown {
  return Object.values(row as Record<string, unknown>)[0];
}

/**
 * Closes a database and lets go of its lock. The driver's close() alone keeps both until every statement that was ever
 * prepared is collected; a database in exclusive mode gives its lock back only once it has left the mode of the log.
 *
 * @param mode - The journal mode that it is left in.
 */
function release(db: Database, mode = 'delete'): void {
  try {
    db.exec('PRAGMA journal_mode=DELETE');
    db.exec('PRAGMA locking_mode=NORMAL');
    db.exec('SELECT count(*) FROM sqlite_master');
    if (mode === 'wal') db.exec('PRAGMA journal_mode=WAL');
  } catch {
    // On a disk that is full or broken, or if the lock was never had. What was written stays where it is.
  }
  db.close();
}
