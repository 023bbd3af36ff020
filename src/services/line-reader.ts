/** What a {@link LineReader} tells. */
export interface LineReaderOptions {
  /** Longest line, in bytes, without its end. */
  readonly maxLineBytes: number;
  readonly onLine: (line: string) => void;
  /** A line grew beyond the limit; what has come of it is told, and nothing more is read. */
  readonly onTooLong: (beginning: string) => void;
}

const NEWLINE = 10;
const PREVIEW_BYTES = 1024;

/** Cuts a stream of bytes into lines of UTF-8, in linear time, and keeps no more than one line of it. */
export class LineReader {
  readonly #options: LineReaderOptions;
  #parts: Buffer[] = [];
  #pendingBytes = 0;
  #isEnded = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  write(chunk: Buffer): void {
    let from = 0;
    while (!this.#isEnded && from < chunk.length) {
      const at = chunk.indexOf(NEWLINE, from);
      const to = at === -1 ? chunk.length : at;
      this.#keep(chunk.subarray(from, to));
      if (at !== -1) this.#flush();
      from = to + 1;
    }
  }

  /** The stream has ended: a last line without an end counts as well. */
  end(): void {
    if (this.#pendingBytes > 0) this.#flush();
    this.#isEnded = true;
  }

  #keep(part: Buffer): void {
    this.#parts.push(part);
    this.#pendingBytes += part.length;
    if (this.#pendingBytes <= this.#options.maxLineBytes) return;
    const beginning = Buffer.concat(this.#parts).subarray(0, PREVIEW_BYTES).toString('utf8');
    this.#drop();
    this.#isEnded = true;
    this.#options.onTooLong(beginning);
  }

  #flush(): void {
    if (this.#isEnded) return;
    const [only] = this.#parts;
    const line = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    this.#drop();
    this.#options.onLine(line.toString('utf8').replace(/\r$/, ''));
  }

  #drop(): void {
    this.#parts = [];
    this.#pendingBytes = 0;
  }
}
