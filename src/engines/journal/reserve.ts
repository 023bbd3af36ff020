import { rmSync, writeFileSync } from 'node:fs';
import type { FrameTable } from './frame-table.js';

/** Room that is kept so that work which was accepted can end on a full disk. */
const RESERVE_BYTES = 1024 * 1024;

/**
 * Owns: a file of zeros beside the journal, and the limit of the journal's size, which leaves as much below the one that
 * was asked for.
 */
export class Reserve {
  readonly #file: string;
  readonly #table: FrameTable;
  readonly #maxBytes: number;

  constructor(path: string, table: FrameTable, maxBytes: number) {
    this.#file = `${path}-reserve`;
    this.#table = table;
    this.#maxBytes = maxBytes;
  }

  /** Gives the room away. */
  release(): void {
    rmSync(this.#file, { force: true });
    this.#table.limitTo(this.#maxBytes + RESERVE_BYTES);
  }

  /** Takes the room back; false while there is none. */
  restore(): boolean {
    this.#table.limitTo(this.#maxBytes);
    try {
      writeFileSync(this.#file, Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
      return true;
    } catch {
      // No room yet; whatever else is wrong here, the journal itself will tell.
      rmSync(this.#file, { force: true });
      return false;
    }
  }

  /** A journal that is closed needs none. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
