import { crc32 } from 'node:zlib';
import { type JournalRecord, journalRecordSchema } from '../../core/journal-record.js';

/**
 * How records lie in the file. All records of one commit are a frame: lines of a checksum, a space and JSON. The checksum
 * covers the place of the record too, so that a line that came from elsewhere is not taken for one.
 */

/** A record and its JSON, which is made once. */
export interface RecordLine {
  readonly record: JournalRecord;
  readonly json: string;
}

/** The lines of a frame as bytes. */
export function encodeFrame(frame: number, jsons: readonly string[]): Buffer {
  let text = '';
  for (let index = 0; index < jsons.length; index++) {
    const json = jsons[index] as string;
    text += `${checksum(frame, index, json)} ${json}\n`;
  }
  return Buffer.from(text, 'utf8');
}

/**
 * The records of a frame, in order; what is wrong with a line in place of its record.
 *
 * @param count - How many records it is said to hold.
 */
export function* decodeFrame(frame: number, count: number, bytes: Buffer): Generator<RecordLine | string> {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.pop() !== '') yield `frame ${frame} does not end where it should`;
  if (lines.length !== count) yield `frame ${frame} holds ${lines.length} records instead of ${count}`;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const json = line.slice(CHECKSUM_CHARS + 1);
    if (line.slice(0, CHECKSUM_CHARS) !== checksum(frame, index, json)) {
      yield `record ${index} of frame ${frame} has a wrong checksum`;
      continue;
    }
    const parsed = journalRecordSchema.safeParse(JSON.parse(json));
    yield parsed.success
      ? { record: parsed.data, json }
      : `record ${index} of frame ${frame} is no record that is known`;
  }
}

const CHECKSUM_CHARS = 8;

function checksum(frame: number, index: number, json: string): string {
  return crc32(`${frame}.${index} ${json}`).toString(16).padStart(CHECKSUM_CHARS, '0');
}
