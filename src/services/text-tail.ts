/** The end of a stream of text, for messages: as much as fits, however much was written. */
export class TextTail {
  readonly #maxBytes: number;
  #tail = Buffer.alloc(0);

  constructor(maxBytes = 2048) {
    this.#maxBytes = maxBytes;
  }

  write(chunk: Uint8Array): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-this.#maxBytes)]).subarray(-this.#maxBytes);
  }

  /** Without control characters but line ends and tabs, which could rewrite a terminal. */
  get text(): string {
    return this.#tail
      .toString('utf8')
      .replace(/[^\P{Cc}\n\t]/gu, '')
      .trim();
  }
}
