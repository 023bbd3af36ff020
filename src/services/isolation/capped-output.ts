/** Bytes of output of one stream that are passed on during one job. */
export const MOST_OUTPUT_BYTES = 1024 * 1024;
const TAIL_BYTES = 1024;

/** Passes the output of one job on up to a limit and counts the rest, so that a flood fills nothing. */
export class CappedOutput {
  readonly #passOn: (chunk: Uint8Array) => void;
  #seenBytes = 0;
  #tail = Buffer.alloc(0);

  constructor(passOn: (chunk: Uint8Array) => void) {
    this.#passOn = passOn;
  }

  get isFull(): boolean {
    return this.#seenBytes > MOST_OUTPUT_BYTES;
  }

  get droppedBytes(): number {
    return Math.max(0, this.#seenBytes - MOST_OUTPUT_BYTES);
  }

  /** The end of what was passed on, for messages: at most 1 KiB. */
  get tail(): string {
    return this.#tail.toString('utf8');
  }

  write(chunk: Uint8Array): void {
    const room = Math.max(0, MOST_OUTPUT_BYTES - this.#seenBytes);
    this.#seenBytes += chunk.byteLength;
    if (room === 0) return;
    const passed = chunk.subarray(0, room);
    this.#tail = Buffer.concat([this.#tail, passed.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    this.#passOn(passed);
  }

  /** Begins the next job. */
  reset(): void {
    this.#seenBytes = 0;
    this.#tail = Buffer.alloc(0);
  }
}
