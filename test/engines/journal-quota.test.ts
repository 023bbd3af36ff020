import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseOrMisuse } from '../../src/core/config.js';
import { engineOptionsSchema, type JournalOptions } from '../../src/core/engine-config.js';
import { FrameTable } from '../../src/engines/journal/frame-table.js';
import { Journal } from '../../src/engines/journal/journal.js';
import { JournalEngine } from '../../src/engines/journal/journal-engine.js';
import { recordingLog } from '../faults/support.js';
import { journalPath, openWorld } from './support.js';

/** What a write beside the journal meets; null for nothing. */
const disk = vi.hoisted(() => ({ code: null as string | null }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const writeFileSync = (...args: Parameters<typeof fs.writeFileSync>): void => {
    if (disk.code !== null) throw Object.assign(new Error(disk.code), { code: disk.code });
    fs.writeFileSync(...args);
  };
  return { ...fs, writeFileSync };
});

afterEach(() => {
  disk.code = null;
});

/** An orchestrator whose journal meets the fault of a write that is not told apart. */
function world() {
  const options = parseOrMisuse(engineOptionsSchema, { kind: 'journal', path: journalPath() }, 'engine');
  const open = (said: JournalOptions): FrameTable => {
    const table = FrameTable.open(said);
    const write = table.write.bind(table);
    table.write = (...args: Parameters<FrameTable['write']>) => {
      if (disk.code !== null)
        throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' });
      write(...args);
    };
    return table;
  };
  const log = recordingLog();
  const journal = Journal.open(options as JournalOptions, log, open);
  const { orchestrator } = openWorld(new JournalEngine(journal, log), {
    services: { echo: (task: string) => task },
  });
  return { orchestrator, log };
}

describe('a write that fails', () => {
  it('fault J1: of a quota that is used up is a full disk, and goes on when there is room', async () => {
    const { orchestrator } = world();
    disk.code = 'EDQUOT';
    expect(await orchestrator.execute('x')).toMatchObject({ status: 'rejected', errorCode: 'JOURNAL_FULL' });
    disk.code = null;
    await vi.waitFor(async () => expect((await orchestrator.execute('y')).success).toBe(true));
  });

  it('fault J4: of a disk that is broken is fatal', async () => {
    const { orchestrator } = world();
    disk.code = 'EIO';
    expect(await orchestrator.execute('x')).toMatchObject({
      status: 'rejected',
      errorCode: 'JOURNAL_FAILED',
    });
    disk.code = null;
    expect(await orchestrator.execute('y')).toMatchObject({ errorCode: 'JOURNAL_FAILED' });
  });

  it('fault J1: at the start it refuses tasks as long as nothing can be kept for their ends', async () => {
    disk.code = 'ENOSPC';
    const { orchestrator, log } = world();
    expect(log.error).toHaveBeenCalledTimes(1);
    expect(await orchestrator.execute('x')).toMatchObject({ errorCode: 'JOURNAL_FULL', attempts: 0 });
    disk.code = null;
    await vi.waitFor(async () => expect((await orchestrator.execute('y')).success).toBe(true));
  });
});
