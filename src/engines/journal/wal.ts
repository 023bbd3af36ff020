import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

/**
 * Looks for damage in a write-ahead log that SQLite keeps quiet about: it stops at the first frame whose checksum is wrong
 * and takes all that is behind it for never written. After a torn write there is nothing behind it; the last frame of a
 * transaction of the same log there means that something was lost. Other frames mean nothing: a transaction that found no
 * room leaves those that it had written behind, and a smaller one comes to lie over the first of them.
 *
 * https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

/** What is wrong with the log of a database, or null. The database must be locked, so that nobody writes to it. */
export function damageOfWal(databasePath: string): string | null {
  const wal = readIfThere(`${databasePath}-wal`);
  if (wal.length <= HEADER_BYTES) return null;
  const isBigEndian = (wal.readUInt32BE(0) & 1) === 1;
  const words = wordsOf(wal, isBigEndian);
  const header = checksumOf(words, 0, 24, [0, 0]);
  const isHeaderWhole =
    (wal.readUInt32BE(0) & ~1) === MAGIC &&
    header[0] === wal.readUInt32BE(24) &&
    header[1] === wal.readUInt32BE(28);
  const pageBytes = wal.readUInt32BE(8);
  if (!isHeaderWhole) {
    return wal.length >= HEADER_BYTES + FRAME_HEADER_BYTES + 512 ? 'the header of its log is wrong' : null;
  }
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const salts = wal.subarray(16, 24);
  let sum = header;
  let firstBad: number | null = null;
  for (let frame = 0; HEADER_BYTES + (frame + 1) * frameBytes <= wal.length; frame++) {
    const start = HEADER_BYTES + frame * frameBytes;
    const isOfThisLog = wal.subarray(start + 8, start + 16).equals(salts);
    if (firstBad !== null) {
      // Frames of an earlier round of the log have other salts. The last one of a transaction tells the size of the database.
      if (isOfThisLog && wal.readUInt32BE(start + 4) !== 0)
        return `frame ${firstBad + 1} of its log is wrong, and others follow it`;
      continue;
    }
    const begun = checksumOf(words, start, 8, sum);
    const next = checksumOf(words, start + FRAME_HEADER_BYTES, pageBytes, begun);
    const isWhole =
      isOfThisLog && next[0] === wal.readUInt32BE(start + 16) && next[1] === wal.readUInt32BE(start + 20);
    if (isWhole) sum = next;
    else firstBad = frame;
  }
  return null;
}

type Sum = readonly [number, number];

/** The log as words in the order in which its checksums take them; a tail that is no word is left out. */
function wordsOf(wal: Buffer, isBigEndian: boolean): Uint32Array {
  const bytes = Buffer.from(new Uint8Array(wal.subarray(0, wal.length - (wal.length % 4))).buffer);
  if (isBigEndian === (endianness() === 'LE')) bytes.swap32();
  return new Uint32Array(bytes.buffer, 0, bytes.length / 4);
}

/** @param start - In bytes, as the length. */
function checksumOf(words: Uint32Array, start: number, length: number, [a, b]: Sum): Sum {
  let first = a;
  let second = b;
  for (let at = start / 4; at < (start + length) / 4; at += 2) {
    first = (first + (words[at] as number) + second) >>> 0;
    second = (second + (words[at + 1] as number) + first) >>> 0;
  }
  return [first, second];
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw cause;
  }
}
