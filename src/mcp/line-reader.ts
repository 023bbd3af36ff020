/** Most bytes of one line: of a message that a client sends. */
const MAX_LINE_BYTES = 10 * 1024 * 1024;

/** Most pieces of a line that are kept apart: a client may send it byte by byte. */
const MAX_PIECES = 1000;

const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines of UTF-8 text, without their ends. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  /** The beginning of a line whose end has not come yet. */
  #begun: Buffer[] = [];
  #begunBytes = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Hands on every line that ends in this chunk. @throws Error when a line is longer than 10 MiB. */
  take(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#checkLength(end - from);
      const line =
        this.#begun.length === 0
          ? chunk.toString('utf8', from, end)
          : this.#complete(chunk.subarray(from, end));
      from = end + 1;
      this.#onLine(line);
    }
    if (from === chunk.length) return;
    this.#checkLength(chunk.length - from);
    this.#begun.push(chunk.subarray(from));
    this.#begunBytes += chunk.length - from;
    if (this.#begun.length === MAX_PIECES) this.#begun = [Buffer.concat(this.#begun)];
  }

  /** Forgets the beginning of a line. */
  clear(): void {
    this.#begun = [];
    this.#begunBytes = 0;
  }

  #complete(end: Buffer): string {
    const line = Buffer.concat([...this.#begun, end]).toString('utf8');
    this.clear();
    return line;
  }

  #checkLength(moreBytes: number): void {
    if (this.#begunBytes + moreBytes <= MAX_LINE_BYTES) return;
    this.clear();
    throw new Error(`A message exceeded maximum size: ${MAX_LINE_BYTES} bytes in one line.`);
  }
}
