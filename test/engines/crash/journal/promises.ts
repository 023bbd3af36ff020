import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/** What a caller was told. */
export interface Told {
  readonly status: string;
  /** The error code, or `-`. */
  readonly code: string;
}

/** What the processes of `child.mjs` wrote down: read in pieces, as it grows. */
export class Promises {
  /** Tasks whose acceptance was acknowledged. */
  readonly accepted = new Set<string>();
  readonly told = new Map<string, Told>();
  /** Attempts by task, over all processes. */
  readonly attempts = new Map<string, number>();
  /** The same of those of a service that is not idempotent. */
  readonly unsafeAttempts = new Map<string, number>();
  /** Attempts that were not the first of their task. */
  ranAgain = 0;
  /** Tasks that were refused. */
  refused = 0;
  readonly #path: string;
  #offset = 0;
  /** A line that is not written to its end. */
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads on, and gives itself. */
  read(): this {
    if (!existsSync(this.#path)) return this;
    const file = openSync(this.#path, 'r');
    const piece = Buffer.alloc(1 << 20);
    for (let bytes = readSync(file, piece, 0, piece.length, this.#offset); bytes > 0; ) {
      this.#offset += bytes;
      const lines = (this.#rest + piece.toString('latin1', 0, bytes)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
      bytes = readSync(file, piece, 0, piece.length, this.#offset);
    }
    closeSync(file);
    return this;
  }

  /** All that the engine has to answer for. */
  acknowledged(): Set<string> {
    const ended = [...this.told].filter(([, { status }]) => status !== 'rejected');
    return new Set([...this.accepted, ...ended.map(([id]) => id)]);
  }

  #take(line: string): void {
    const [what, id = '', detail = '', more = ''] = line.split(' ');
    if (what === 'A') this.accepted.add(id);
    if (what === 'R') this.told.set(id, { status: detail, code: more });
    if (what === 'R' && detail === 'rejected') this.refused += 1;
    if (what !== 'X') return;
    if (Number(detail) > 1) this.ranAgain += 1;
    this.attempts.set(id, (this.attempts.get(id) ?? 0) + 1);
    if (more === 'unsafe') this.unsafeAttempts.set(id, (this.unsafeAttempts.get(id) ?? 0) + 1);
  }
}
