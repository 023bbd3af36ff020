import type zlib from 'node:zlib';
import { type JournalRecord, journalRecordSchema } from '../../core/journal-record.js';

/**
 * How records lie in the file. All records of one commit are a frame: a line for each of a checksum, a space, the record
 * as JSON, and behind a tab its body, if it has one. The checksum covers the place of the record too, so that a line that
 * came from elsewhere is not taken for one.
 */

/** A record that was read. */
export interface RecordLine {
  readonly record: JournalRecord;
  /** JSON; an empty text when there is none. */
  readonly body: string;
  /** Both as they lie in the file, without the checksum. */
  readonly text: string;
}

/** The text of a record. @param body - JSON. */
export function textOf(record: JournalRecord, body = ''): string {
  // No JSON holds a tab as such.
  return body === '' ? JSON.stringify(record) : `${JSON.stringify(record)}\t${body}`;
}

/** The lines of a frame as bytes. */
export function encodeFrame(frame: number, texts: readonly string[]): Buffer {
  let lines = '';
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] as string;
    lines += `${checksum(frame, index, text)} ${text}\n`;
  }
  return Buffer.from(lines, 'utf8');
}

/**
 * The records of a frame, in order; what is wrong with a line in place of its record.
 *
 * @param count - How many records it is said to hold.
 */
export function decodeFrame(frame: number, count: number, bytes: Buffer): (RecordLine | string)[] {
  const lines = bytes.toString('utf8').split('\n');
  const decoded: (RecordLine | string)[] = [];
  if (lines.pop() !== '') decoded.push(`frame ${frame} does not end where it should`);
  if (lines.length !== count)
    decoded.push(`frame ${frame} holds ${lines.length} records instead of ${count}`);
  for (let index = 0; index < lines.length; index++) {
    decoded.push(decodeLine(frame, index, lines[index] as string));
  }
  return decoded;
}

function decodeLine(frame: number, index: number, line: string): RecordLine | string {
  const text = line.slice(CHECKSUM_CHARS + 1);
  if (line.slice(0, CHECKSUM_CHARS) !== checksum(frame, index, text)) {
    return `record ${index} of frame ${frame} has a wrong checksum`;
  }
  const end = text.indexOf('\t');
  const parsed = journalRecordSchema.safeParse(JSON.parse(end < 0 ? text : text.slice(0, end)));
  return parsed.success
    ? { record: parsed.data, body: end < 0 ? '' : text.slice(end + 1), text }
    : `record ${index} of frame ${frame} is no record that is known`;
}

const CHECKSUM_CHARS = 8;
/** Loaded with the first record: everybody who imports the library would pay for it. */
let crc32: typeof zlib.crc32 | undefined;

function checksum(frame: number, index: number, text: string): string {
  crc32 ??= process.getBuiltinModule('node:zlib').crc32;
  return crc32(`${frame}.${index} ${text}`).toString(16).padStart(CHECKSUM_CHARS, '0');
}
