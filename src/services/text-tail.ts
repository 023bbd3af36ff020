/** The end of a stream of text, for messages: as much as fits, however much was written. */
export class TextTail {
  readonly #maxBytes: number;
  #isCut = false;
  #tail = Buffer.alloc(0);

  constructor(maxBytes = 2048) {
    this.#maxBytes = maxBytes;
  }

  write(chunk: Uint8Array): void {
    this.#isCut ||= this.#tail.length + chunk.length > this.#maxBytes;
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-this.#maxBytes)]).subarray(-this.#maxBytes);
  }

  /** Without control characters but line ends and tabs, which could rewrite a terminal. */
  get text(): string {
    const text = this.#tail.toString('utf8');
    const whole = this.#isCut ? withoutBrokenWord(text) : text;
    return whole.replace(/[^\P{Cc}\n\t]/gu, '').trim();
  }
}

/** The end of a text, without the rest of a word that was cut in two: half a secret would not be recognised as one. */
export function endOf(text: string, characters: number): string {
  return text.length <= characters ? text : withoutBrokenWord(text.slice(-characters));
}

/** The beginning of a text, in the same way. */
export function beginningOf(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const cut = text.slice(0, characters);
  // One endless word has no better place to be cut.
  return /\s\S*$/.test(cut) ? cut.replace(/\s\S*$/, '') : cut;
}

function withoutBrokenWord(text: string): string {
  return text.replace(/^\S*\s/, '');
}
