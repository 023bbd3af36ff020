import { rmSync, writeFileSync } from 'node:fs';
import type { FrameTable } from './frame-table.js';
import { sqliteCode } from './libsql.js';

/** Room that is kept so that work which was accepted can end on a full disk. */
const RESERVE_BYTES = 1024 * 1024;

/** What is tried to be written when it is not clear whether there is room. */
const PROBE_BYTES = 64 * 1024;

/**
 * Owns: a file of zeros beside the journal, and the limit of the journal's size, which leaves as much below the one that
 * was asked for.
 */
export class Reserve {
  readonly #file: string;
  readonly #probe: string;
  readonly #table: FrameTable;
  readonly #maxBytes: number;

  constructor(path: string, table: FrameTable, maxBytes: number) {
    this.#file = `${path}-reserve`;
    this.#probe = `${path}-probe`;
    this.#table = table;
    this.#maxBytes = maxBytes;
  }

  /** Gives the room away, to the log alone: to move that into the file may take all of it and still not come to an end. */
  release(): void {
    rmSync(this.#file, { force: true });
    this.#table.limitTo(this.#maxBytes + RESERVE_BYTES);
    this.#table.movesLog(false);
  }

  /** Takes the room back; false while there is none. */
  restore(): boolean {
    this.#table.limitTo(this.#maxBytes);
    try {
      writeFileSync(this.#file, Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
      this.#table.movesLog(true);
      return true;
    } catch {
      // No room yet; whatever else is wrong here, the journal itself will tell.
      rmSync(this.#file, { force: true });
      this.#table.movesLog(false);
      return false;
    }
  }

  /** Whether a fault of a write means that there is no room. SQLite says so of a full disk, and not of a quota. */
  isOfRoom(cause: unknown): boolean {
    const code = sqliteCode(cause);
    return code === 'SQLITE_FULL' || (code === 'SQLITE_IOERR_WRITE' && this.#isQuotaUsedUp());
  }

  #isQuotaUsedUp(): boolean {
    try {
      writeFileSync(this.#probe, Buffer.alloc(PROBE_BYTES), { mode: 0o600 });
      return false;
    } catch (cause) {
      return ['EDQUOT', 'ENOSPC'].includes((cause as NodeJS.ErrnoException).code ?? '');
    } finally {
      rmSync(this.#probe, { force: true });
    }
  }

  /** A journal that is closed needs none. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
