/** Pages of a TIFF file. */

/** Pages that are looked for: a chain of directories may be a circle. */
const MOST_PAGES = 10_000;

/**
 * Where the directory of each page begins, in bytes; empty when the file is no TIFF that can be followed. BigTIFF is none.
 */
export function tiffPages(bytes: Uint8Array): number[] {
  const { u16, u32 } = readerOf(bytes);
  const pages: number[] = [];
  const seen = new Set<number>();
  try {
    for (let at = u32(4); at !== 0 && !seen.has(at) && pages.length < MOST_PAGES; ) {
      seen.add(at);
      const next = u32(at + 2 + u16(at) * 12);
      pages.push(at);
      at = next;
    }
  } catch (error) {
    // The chain leads past the end of the file: what was found before is there.
    if (!(error instanceof RangeError)) throw error;
  }
  return pages;
}

/** The same file with this page as its first: readers of single pictures take that one. */
export function withFirstPage(bytes: Uint8Array, directory: number): Uint8Array {
  const copy = Buffer.from(bytes);
  if (copy[0] === 0x49) copy.writeUInt32LE(directory, 4);
  else copy.writeUInt32BE(directory, 4);
  return copy;
}

function readerOf(bytes: Uint8Array) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = buffer[0] === 0x49;
  return {
    u16: (at: number) => (isLittle ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at)),
    u32: (at: number) => (isLittle ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at)),
  };
}
