import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { FrameTable } from '../../../../src/engines/journal/frame-table.js';
import { decodeFrame } from '../../../../src/engines/journal/record.js';

/** Ends by task: the record, and the status in it. */
export type Ends = Map<string, Map<string, string>>;

/**
 * Notes every end that lies in a journal. In a copy, so that the next process finds the files as they were left. Old ends
 * are removed in time, and copied to other places until then, so they are known by their words.
 */
export function readEnds(journal: string, copy: string, ends: Ends): void {
  for (const suffix of ['', '-wal']) {
    rmSync(copy + suffix, { force: true });
    if (existsSync(journal + suffix)) copyFileSync(journal + suffix, copy + suffix);
  }
  const table = FrameTable.open({ path: copy, synchronous: 'normal', repair: false });
  for (const { seq, count, body } of table.frames()) {
    for (const line of decodeFrame(seq, count, body)) {
      if (typeof line === 'string') throw new Error(line);
      const { record } = line;
      if (record.kind !== 'finished') continue;
      const known = ends.get(record.id) ?? new Map<string, string>();
      ends.set(record.id, known.set(line.text, record.status));
    }
  }
  table.close();
}

/** The status with which a task ended first, as far as it is known. */
export function statusOf(ends: Ends, id: string): string | undefined {
  return [...(ends.get(id)?.values() ?? [])][0];
}
