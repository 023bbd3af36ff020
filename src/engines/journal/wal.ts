import { readFileSync } from 'node:fs';

/**
 * Looks for damage in a write-ahead log that SQLite keeps quiet about: it stops at the first frame whose checksum is wrong
 * and takes all that is behind it for never written. After a torn write there is nothing behind it; a whole frame of the
 * same log there means that something was lost.
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
  const header = checksumOf(wal, 0, 24, isBigEndian, [0, 0]);
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
      // Frames of an earlier round of the log have other salts.
      if (isOfThisLog) return `frame ${firstBad + 1} of its log is wrong, and others follow it`;
      continue;
    }
    const next = checksumOf(
      wal,
      start + FRAME_HEADER_BYTES,
      pageBytes,
      isBigEndian,
      checksumOf(wal, start, 8, isBigEndian, sum),
    );
    const isWhole =
      isOfThisLog && next[0] === wal.readUInt32BE(start + 16) && next[1] === wal.readUInt32BE(start + 20);
    if (isWhole) sum = next;
    else firstBad = frame;
  }
  return null;
}

type Sum = readonly [number, number];

function checksumOf(bytes: Buffer, start: number, length: number, isBigEndian: boolean, [a, b]: Sum): Sum {
  let first = a;
  let second = b;
  for (let at = start; at < start + length; at += 8) {
    const x = isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    const y = isBigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4);
    first = (first + x + second) >>> 0;
    second = (second + y + first) >>> 0;
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
