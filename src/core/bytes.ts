/** Bytes in one of the forms in which JavaScript keeps them. */
export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** Whether a value is nothing but bytes. */
export function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

/** The same bytes as a Buffer, not copied. */
export function bufferOf(bytes: Bytes): Buffer {
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes);
}
