import { existsSync, renameSync, rmSync } from 'node:fs';
import type { JournalOptions } from '../../core/engine-config.js';
import type { Log } from '../../core/environment.js';
import { messageOf } from '../../core/errors.js';
import { corruptPath, FrameTable, keepCorrupt } from './frame-table.js';
import { sqliteCode } from './libsql.js';
import { decodeFrame, encodeFrame } from './record.js';
import { damageOfWal } from './wal.js';

/** Records in a frame of a journal that is written anew. */
const RECORDS_PER_FRAME = 1000;

/**
 * Makes a damaged journal usable: what can be read of it is written to a fresh file, and the damaged one stays beside it.
 * One that is sound stays as it is.
 *
 * @throws OrchestratorError `JOURNAL_LOCKED`, or `JOURNAL_FAILED` when there is nothing that could be repaired.
 */
export function repairFile({ path, synchronous }: JournalOptions, log: Log): void {
  if (!existsSync(path) && !existsSync(corruptPath(path))) return;
  const { texts, damage } = salvage(path);
  if (damage.length === 0 && !existsSync(corruptPath(path))) return;
  const aside = `${path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
  for (const suffix of ['', '-wal']) {
    const copy = corruptPath(path) + suffix;
    if (existsSync(copy)) renameSync(copy, aside + suffix);
  }
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  const table = FrameTable.open({ path, synchronous, repair: false });
  for (let at = 0; at < texts.length; at += RECORDS_PER_FRAME) {
    const lines = texts.slice(at, at + RECORDS_PER_FRAME);
    table.write([{ count: lines.length, body: encodeFrame(table.next, lines) }]);
  }
  table.close();
  const most = damage.slice(0, 10);
  log.error({ path, aside, records: texts.length, damage: most }, 'a damaged journal was repaired');
}

/** All that can be read of a file, and what is wrong with it. Copies are kept as soon as anything is. */
function salvage(path: string): { readonly texts: string[]; readonly damage: string[] } {
  const texts: string[] = [];
  const damage: string[] = [];
  let table: FrameTable;
  try {
    table = FrameTable.open({ path, synchronous: 'full', repair: true });
  } catch (cause) {
    // Of a file that is no database any more nothing can be read; its copies are kept. All else is no damage.
    if ((cause as { code?: unknown }).code !== 'JOURNAL_CORRUPT') throw cause;
    return { texts, damage: [messageOf(cause)] };
  }
  const inLog = damageOfWal(path);
  if (inLog !== null) damage.push(inLog);
  // Frame by frame: what one cannot be read for need not concern the next.
  for (let seq = table.first; seq < table.next; seq += 1) readFrame(table, seq, { texts, damage });
  if (damage.length > 0 && !existsSync(corruptPath(path))) keepCorrupt(path, damage[0] as string);
  table.close();
  return { texts, damage };
}

function readFrame(
  table: FrameTable,
  seq: number,
  { texts, damage }: { readonly texts: string[]; readonly damage: string[] },
): void {
  try {
    const frame = table.read(seq);
    if (frame === undefined) {
      damage.push(`frame ${seq} is missing`);
      return;
    }
    for (const line of decodeFrame(seq, frame.count, frame.body)) {
      if (typeof line === 'string') damage.push(line);
      else texts.push(line.text);
    }
  } catch (cause) {
    if (sqliteCode(cause) === '') throw cause;
    damage.push(`frame ${seq} cannot be read: ${messageOf(cause)}`);
  }
}
