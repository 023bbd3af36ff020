/** Most pieces that are kept apart: a client may send a body byte by byte, and each piece costs a hundred bytes. */
const MOST_PIECES = 1000;

/** Bytes that come in pieces. */
export class Pieces {
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#sizeBytes += piece.byteLength;
    if (this.#pieces.length === MOST_PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
  }

  /** All of them in one; not copied when there is one. */
  all(): Uint8Array {
    const [only] = this.#pieces;
    return only !== undefined && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
  }
}
