import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOrMisuse } from '../../src/core/config.js';
import { engineOptionsSchema, type JournalOptions } from '../../src/core/engine-config.js';
import { silentLog } from '../../src/core/environment.js';
import { FrameTable } from '../../src/engines/journal/frame-table.js';
import { Journal } from '../../src/engines/journal/journal.js';
import { JournalEngine } from '../../src/engines/journal/journal-engine.js';
import type { Orchestrator, TaskResult } from '../../src/index.js';
import { recordingLog } from '../faults/support.js';
import { manualService } from '../support/simulation.js';
import { journalPath, killedCopy, openWorld, turns } from './support.js';

type Options = { readonly path: string } & Partial<JournalOptions>;

const journal = (options: Options) => ({ kind: 'journal' as const, ...options });
const complete = (options: Options): JournalOptions =>
  parseOrMisuse(engineOptionsSchema, journal(options), 'engine') as JournalOptions;
const echo = (task: string): string => task;

/** A journal with ended tasks, all of it still in the log. */
async function journalOf(count: number): Promise<string> {
  const path = journalPath();
  const { orchestrator } = openWorld(journal({ path }), { services: { echo } });
  for (let index = 0; index < count; index += 1)
    await orchestrator.execute(`task ${index}`, { service: 'echo' });
  return killedCopy(path);
}

function textsIn(path: string, options: Partial<JournalOptions> = {}): (string | undefined)[] {
  const opened = Journal.open(complete({ path, ...options }), silentLog);
  try {
    return opened.books.list().map(({ taskId }) => opened.find(taskId)?.task);
  } finally {
    opened.close();
  }
}

const codeOf = (open: () => unknown): unknown => {
  try {
    open();
  } catch (cause) {
    return (cause as { code?: unknown }).code;
  }
  return null;
};

describe('after a kill', () => {
  const services = (service: ReturnType<typeof manualService>) => ({
    safe: { service, idempotent: true },
    unsafe: { service },
  });

  it('fault P3: unfinished idempotent tasks run again, the others are interrupted, and what had not started runs', async () => {
    const path = journalPath();
    const before = manualService();
    const first = openWorld(journal({ path }), { services: services(before), config: { maxParallel: 2 } });
    for (const service of ['safe', 'unsafe', 'unsafe']) {
      void first.orchestrator.execute(`on ${service}`, {
        service,
        taskId: `${service}${before.calls.length}`,
      });
      await turns();
    }
    expect(before.open()).toHaveLength(2);

    const after = manualService();
    const log = recordingLog();
    const second = openWorld(journal({ path: killedCopy(path) }), { services: services(after), log });
    const told: TaskResult[] = [];
    second.orchestrator.on('next', (result) => told.push(result));
    await turns();
    expect(after.calls.map(({ context }) => [context.taskId, context.attempt])).toEqual([
      ['safe0', 2],
      ['unsafe2', 1],
    ]);
    expect(told).toMatchObject([
      { taskId: 'unsafe1', status: 'interrupted', errorCode: 'INTERRUPTED', attempts: 1 },
    ]);
    expect(second.orchestrator.kept.list({ which: 'dead' })).toMatchObject([{ taskId: 'unsafe1' }]);
    expect(second.orchestrator.stats()).toMatchObject({ submitted: 3, failed: 1, running: 2 });
    expect(log.info).toHaveBeenCalledWith({ resumed: 2, interrupted: 1 }, expect.any(String));
    for (const call of after.open()) call.resolve('done');
    await turns();
    expect(second.orchestrator.kept.list().map(({ status }) => status)).toEqual([
      'completed',
      'interrupted',
      'completed',
    ]);
  });

  it('fault P3: an interrupted task is tried again when someone says so', async () => {
    const path = journalPath();
    const first = openWorld(journal({ path }), { services: services(manualService()) });
    void first.orchestrator.execute('x', { service: 'unsafe', taskId: 'mine', idempotencyKey: 'k' });
    await turns();
    const after = manualService();
    const { orchestrator } = openWorld(journal({ path: killedCopy(path) }), { services: services(after) });
    const asked = orchestrator.execute('x', { service: 'unsafe', idempotencyKey: 'k' });
    expect((await asked).status).toBe('interrupted');
    const isTaken = orchestrator.kept.retry('mine');
    await turns();
    const joined = orchestrator.execute('x', { service: 'unsafe', idempotencyKey: 'k' });
    after.open()[0]?.resolve('at last');
    expect([await isTaken, (await joined).result]).toEqual([true, 'at last']);
  });

  it('fault P3: a task that kills the process is tried mostCrashes times and no more', async () => {
    let path = journalPath();
    for (let crash = 0; crash <= 3; crash += 1) {
      const service = manualService();
      const { orchestrator } = openWorld(journal({ path, mostCrashes: 3 }), { services: services(service) });
      if (crash === 0) void orchestrator.execute('x', { service: 'safe', taskId: 'mine' });
      await turns();
      expect(service.calls).toHaveLength(crash < 3 ? 1 : 0);
      if (crash === 3)
        expect(orchestrator.kept.find('mine')).toMatchObject({ status: 'interrupted', attempts: 3 });
      path = killedCopy(path);
    }
  });

  it('fault P3: a task in backoff goes on, whatever its service', async () => {
    const path = journalPath();
    const before = manualService();
    const first = openWorld(journal({ path }), { services: services(before) });
    void first.orchestrator.execute('x', { service: 'unsafe', taskId: 'mine' });
    await turns();
    before.open()[0]?.reject(new Error('once'));
    await turns();
    const after = manualService();
    openWorld(journal({ path: killedCopy(path) }), { services: services(after) });
    await turns();
    expect(after.calls[0]?.context).toMatchObject({ taskId: 'mine', attempt: 2 });
  });

  it('fault P3: a task that was about to begin and did not goes on', async () => {
    const path = journalPath();
    const first = openWorld(journal({ path }), { services: services(manualService()) });
    void first.orchestrator.execute('x', { service: 'unsafe', taskId: 'mine' });
    first.orchestrator.pause();
    await turns();
    expect(first.orchestrator.kept.find('mine')?.status).toBe('queued');
    const after = manualService();
    openWorld(journal({ path: killedCopy(path) }), { services: services(after) });
    await turns();
    expect(after.calls.map(({ context }) => [context.taskId, context.attempt])).toEqual([['mine', 1]]);
  });

  it('fault P3: a task that waits for its service goes on, also when the one before it kills the process', async () => {
    const path = journalPath();
    let killed = '';
    const deadly = (): string => {
      killed ||= killedCopy(path);
      return '';
    };
    const first = openWorld(journal({ path }), { services: { only: { service: deadly, concurrency: 1 } } });
    for (const taskId of ['deadly', 'next', 'last'])
      void first.orchestrator.execute('x', { service: 'only', taskId });
    await turns();
    const after = manualService();
    const { orchestrator } = openWorld(journal({ path: killed }), { services: { only: after } });
    await turns();
    expect(after.calls.map(({ context }) => [context.taskId, context.attempt])).toEqual([
      ['next', 1],
      ['last', 1],
    ]);
    expect(orchestrator.kept.find('deadly')?.status).toBe('interrupted');
  });

  it.each([0, 1, 2, 3])(
    'fault P3: a task of a paused process goes on that is killed %i turns later',
    async (count) => {
      const path = journalPath();
      const paused = openWorld(journal({ path }), {
        services: services(manualService()),
        config: { startPaused: true },
      });
      const handle = paused.orchestrator.submit('x', { service: 'unsafe' });
      await handle.accepted();
      await turns(count);
      const after = manualService();
      openWorld(journal({ path: killedCopy(path) }), { services: services(after) });
      await turns();
      expect(after.calls).toHaveLength(1);
    },
  );

  it('waits for two syncs with a task that begins at once at the service that was named, else for three', async () => {
    let syncs = 0;
    const counting = (options: JournalOptions): FrameTable =>
      withWrite(FrameTable.open(options), () => {
        syncs += 1;
      });
    const opened = Journal.open(complete({ path: journalPath() }), silentLog, counting);
    const { orchestrator } = openWorld(new JournalEngine(opened, silentLog), {
      services: { echo: { service: echo, keywords: ['say'] } },
    });
    await orchestrator.execute('x', { service: 'echo' });
    expect(syncs).toBe(2);
    await orchestrator.execute('say it');
    expect(syncs).toBe(2 + 3);
  });

  it('takes up a task for a service that is registered right after the start', async () => {
    const path = journalPath();
    const first = openWorld(journal({ path }), { services: services(manualService()) });
    void first.orchestrator.execute('x', { service: 'safe' });
    await turns();
    const after = manualService();
    const second = openWorld(journal({ path: killedCopy(path) }));
    second.orchestrator.registry.register('safe', { service: after, idempotent: true });
    await turns();
    expect(after.calls).toHaveLength(1);
  });

  it('counts its deadline from the acceptance, the time without a process included', async () => {
    const path = journalPath();
    const first = openWorld(journal({ path }), {
      services: services(manualService()),
      config: { startPaused: true },
    });
    void first.orchestrator.execute('x', { service: 'safe', taskId: 'mine', deadlineSeconds: 0.02 });
    await turns();
    const copy = killedCopy(path);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const after = manualService();
    const second = openWorld(journal({ path: copy }), { services: services(after) });
    await second.advance(1);
    expect(second.orchestrator.kept.find('mine')).toMatchObject({ status: 'timed_out', attempts: 0 });
    expect(after.calls).toHaveLength(0);
  });

  it('tells a caller nothing before the end is recorded', async () => {
    const path = journalPath();
    const { orchestrator } = openWorld(journal({ path }), { services: { echo } });
    const { taskId } = await orchestrator.execute('x');
    expect(textsIn(killedCopy(path))).toEqual(['x']);
    const opened = Journal.open(complete({ path: killedCopy(path) }), silentLog);
    expect(opened.find(taskId)).toMatchObject({ status: 'completed' });
    opened.close();
  });
});

describe('a disk that is full', () => {
  const fill = async (orchestrator: Orchestrator): Promise<TaskResult> => {
    for (let count = 0; ; count += 1) {
      const result = await orchestrator.execute('x'.repeat(20_000), { service: 'echo' });
      if (!result.success || count > 1000) return result;
    }
  };

  it('fault J1: refuses new tasks, lets running ones end, and goes on when there is room', async () => {
    const path = journalPath();
    const service = manualService();
    const limits = { path, maxBytes: 2_000_000, keepTasks: 100_000 };
    const { orchestrator } = openWorld(journal(limits), { services: { echo, slow: service } });
    const running = orchestrator.execute('slow', { service: 'slow' });
    await turns();
    const full = await fill(orchestrator);
    expect(full).toMatchObject({ status: 'rejected', errorCode: 'JOURNAL_FULL', attempts: 0 });
    expect(full.error).toContain('maxBytes');
    service.open()[0]?.resolve('ended');
    const ended = await running;
    expect(ended).toMatchObject({ status: 'completed', result: 'ended' });

    const copy = killedCopy(path);
    const kept = Journal.open(complete({ ...limits, path: copy }), silentLog);
    expect(kept.find(ended.taskId)).toMatchObject({ status: 'completed' });
    expect(kept.books.open()).toEqual([]);
    kept.close();

    const roomy = openWorld(journal({ ...limits, path: copy, maxBytes: 8_000_000 }), { services: { echo } });
    expect((await roomy.orchestrator.execute('again', { service: 'echo' })).success).toBe(true);
  });

  it('fault J1: has room again once ended tasks are kept no longer', async () => {
    const limits = { path: journalPath(), maxBytes: 1_000_000, keepTasks: 5 };
    const { orchestrator } = openWorld(journal(limits), { services: { echo }, config: { maxParallel: 50 } });
    for (let count = 0; count < 150; count += 1) {
      const results = await orchestrator.executeParallel(
        Array.from({ length: 50 }, () => 'y'.repeat(200)),
        { service: 'echo' },
      );
      expect(results.every(({ success }) => success)).toBe(true);
    }
    expect(statSync(limits.path).size).toBeLessThan(2_000_000);
  });

  it('fault J1: an end that finds no room waits for it, and is then told', async () => {
    let isFull = false;
    const table = (options: JournalOptions): FrameTable =>
      withWrite(FrameTable.open(options), () => {
        if (isFull) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      });
    const opened = Journal.open(complete({ path: journalPath() }), silentLog, table);
    const service = manualService();
    const { orchestrator } = openWorld(new JournalEngine(opened, silentLog), { services: { only: service } });
    const running = orchestrator.execute('x');
    await turns();
    isFull = true;
    service.open()[0]?.resolve('ended');
    const refused = await orchestrator.execute('y');
    expect(refused).toMatchObject({ errorCode: 'JOURNAL_FULL' });
    isFull = false;
    expect(await running).toMatchObject({ status: 'completed' });
    const next = orchestrator.execute('z');
    await turns();
    service.open()[0]?.resolve('z');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await next).errorCode === 'JOURNAL_FULL' || (await next).success).toBe(true);
  });
});

describe('a log on a disk that was full', () => {
  it('fault J1: is moved into the file when it takes the room that is needed', async () => {
    const path = journalPath();
    const table = (options: JournalOptions): FrameTable =>
      withWrite(FrameTable.open(options), () => {
        if (statSync(`${path}-wal`).size > 100_000) {
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        }
      });
    const opened = Journal.open(complete({ path }), silentLog, table);
    const { orchestrator } = openWorld(new JournalEngine(opened, silentLog), { services: { echo } });
    for (let count = 0; count < 100; count += 1)
      expect((await orchestrator.execute('x'.repeat(2000), { service: 'echo' })).errorCode).toBe(null);
    expect(statSync(path).size).toBeGreaterThan(200_000);
  });

  it('fault J1: opens behind what a transaction left that found no room, under a smaller one', async () => {
    const path = await journalOf(3);
    const wal = readFileSync(`${path}-wal`);
    // Frames of this log that end no transaction, and whose checksums do not follow from the last one that counts.
    const left = Buffer.from(wal.subarray(-4120));
    left.writeUInt32BE(0, 4);
    writeFileSync(`${path}-wal`, Buffer.concat([wal, left, left]));
    expect(textsIn(path)).toEqual(['task 0', 'task 1', 'task 2']);
  });

  it('fault J1: needs no file beside it to be read after a kill', async () => {
    const path = await journalOf(3);
    const opened = Journal.open(complete({ path }), silentLog);
    expect(existsSync(`${path}-shm`)).toBe(false);
    opened.close();
  });
});

describe('a log that was cut', () => {
  it('fault J2: opens at whatever byte it was cut, with every whole commit and no half record', async () => {
    const path = await journalOf(3);
    const whole = readFileSync(`${path}-wal`);
    let most = 0;
    const last = Math.max(0, whole.length - 6 * 4120);
    // Every byte of the end, and some before.
    for (let bytes = last; bytes <= whole.length; bytes += bytes > whole.length - 40 ? 1 : 521) {
      const cut = killedCopy(path);
      truncateSync(`${cut}-wal`, bytes);
      const texts = textsIn(cut);
      expect(texts).toEqual(['task 0', 'task 1', 'task 2'].slice(0, texts.length));
      most = Math.max(most, texts.length);
    }
    expect(most).toBe(3);
  });
});

describe('a flipped bit', () => {
  /** Flips a bit of a file. */
  const flip = (file: string, byte: number, bit = 0): void => {
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(byte) ^ (1 << bit), byte);
    writeFileSync(file, bytes);
  };

  /** The same records in the file itself, with an empty log. */
  const checkpointed = async (count: number): Promise<string> => {
    const path = await journalOf(count);
    Journal.open(complete({ path }), silentLog).close();
    return killedCopy(path);
  };

  it('fault J3: in a record it refuses to start, keeps copies, and starts with repair', async () => {
    const path = await checkpointed(5);
    const text = '"text":"task 2"';
    const bytes = readFileSync(path);
    // SQLite may have left an old copy of the page where nothing is read.
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
      flip(path, at + text.length - 2, 1);
    expect(codeOf(() => textsIn(path))).toBe('JOURNAL_CORRUPT');
    expect(existsSync(`${path}.corrupt`)).toBe(true);
    expect(codeOf(() => textsIn(path))).toBe('JOURNAL_CORRUPT');
    expect(textsIn(path, { repair: true })).toEqual(['task 0', 'task 1', 'task 3', 'task 4']);
    expect(textsIn(path)).toEqual(['task 0', 'task 1', 'task 3', 'task 4']);
    expect(existsSync(`${path}.corrupt`)).toBe(false);
  });

  it('fault J3: wherever it is in the file, nothing is lost without a word', async () => {
    const path = await checkpointed(4);
    const size = statSync(path).size;
    const texts = textsIn(killedCopy(path));
    const silent: number[] = [];
    for (let byte = 0; byte < size; byte += 191) {
      const damaged = killedCopy(path);
      flip(damaged, byte, byte % 8);
      const code = codeOf(() => {
        if (textsIn(damaged).join() !== texts.join()) silent.push(byte);
      });
      expect(['JOURNAL_CORRUPT', 'JOURNAL_FAILED', null]).toContain(code);
    }
    expect(silent).toEqual([]);
  });

  it('fault J3: in the log it refuses to start when anything whole is behind it', async () => {
    const path = await journalOf(4);
    const wal = readFileSync(`${path}-wal`);
    const texts = textsIn(killedCopy(path));
    for (let byte = 0; byte < wal.length - 4120; byte += 1021) {
      const damaged = killedCopy(path);
      flip(`${damaged}-wal`, byte, 3);
      const seen: (string | undefined)[][] = [];
      const code = codeOf(() => seen.push(textsIn(damaged)));
      if (code === null) expect(seen, `byte ${byte}`).toEqual([texts]);
      else expect(code).toBe('JOURNAL_CORRUPT');
    }
  });

  it('fault J3: of a file that is no database any more, repair keeps a copy and starts anew', async () => {
    const path = await checkpointed(2);
    writeFileSync(path, readFileSync(path).fill(0));
    expect(codeOf(() => textsIn(path))).toBe('JOURNAL_CORRUPT');
    expect(textsIn(path, { repair: true })).toEqual([]);
    expect(textsIn(path)).toEqual([]);
  });
});

describe('a disk that fails', () => {
  it('fault J4: accepts nothing more, tells no end that was not recorded, and tries nothing again', async () => {
    let writes = 0;
    let isBroken = false;
    const table = (options: JournalOptions): FrameTable =>
      withWrite(FrameTable.open(options), () => {
        writes += 1;
        if (isBroken) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
      });
    const log = recordingLog();
    const opened = Journal.open(complete({ path: journalPath() }), log, table);
    const service = manualService();
    const { orchestrator } = openWorld(new JournalEngine(opened, log), { services: { only: service } });
    const running = orchestrator.execute('x');
    await turns();
    isBroken = true;
    service.open()[0]?.resolve('ended');
    expect(await running).toMatchObject({
      status: 'failed',
      errorCode: 'JOURNAL_FAILED',
      result: null,
      errorDetails: { status: 'completed' },
    });
    isBroken = false;
    const before = writes;
    const handle = orchestrator.submit('y');
    expect(await handle.accepted()).toBe(false);
    expect(await handle.result()).toMatchObject({ status: 'rejected', errorCode: 'JOURNAL_FAILED' });
    expect(writes).toBe(before);
    expect(log.error).toHaveBeenCalledTimes(1);
  });

  it('fault J4: promises no task to the next start of which the file says that it may have begun', async () => {
    let isBroken = false;
    const table = (options: JournalOptions): FrameTable =>
      withWrite(FrameTable.open(options), () => {
        if (isBroken) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
      });
    const opened = Journal.open(complete({ path: journalPath() }), recordingLog(), table);
    const engine = new JournalEngine(opened, silentLog);
    const { orchestrator } = openWorld(engine, { services: { only: manualService() } });
    const handle = orchestrator.submit('x', { service: 'only' });
    orchestrator.pause();
    await handle.accepted();
    isBroken = true;
    await orchestrator.close({ drainSeconds: 0 });
    expect(await handle.result()).toMatchObject({
      status: 'failed',
      errorCode: 'JOURNAL_FAILED',
      errorDetails: { status: 'cancelled' },
    });
  });
});

describe('a large journal', () => {
  it('fault J5: a large one is read at less than 10 µs of processor time a record, and what is not needed goes', async () => {
    const path = journalPath();
    const opened = Journal.open(
      complete({ path, keepTasks: 1_000_000, keepSeconds: 1e10, synchronous: 'normal' }),
      silentLog,
    );
    const end = { status: 'completed', service: 'echo', attempts: 1, errorCode: null } as const;
    const body = JSON.stringify({ text: 'x'.repeat(100) });
    for (let index = 0; index < 150_000; index += 1) {
      const id = `t${index}`;
      opened.add({ kind: 'accepted', id, atMs: index, key: null }, { body });
      opened.add({ kind: 'finished', id, atMs: index, ...end }, { body });
      if (index % 5000 === 4999) opened.commit();
    }
    opened.close();
    const sizeBefore = statSync(path).size;

    // Processor time: what else the machine does in the meantime is not counted.
    const before = process.cpuUsage();
    const read = Journal.open(complete({ path, keepTasks: 1_000_000, keepSeconds: 1e10 }), silentLog);
    const { user, system } = process.cpuUsage(before);
    expect(read.books.total).toBe(300_000);
    read.close();
    expect((user + system) / 300_000).toBeLessThan(10);

    const tidy = Journal.open(complete({ path, keepTasks: 10 }), silentLog);
    while (tidy.tidy(20_000));
    expect(tidy.books.total).toBeLessThan(2000);
    tidy.close();
    expect(statSync(path).size).toBeLessThan(sizeBefore / 50);
  }, 60_000);
});

describe('another file', () => {
  const Database = createRequire(import.meta.url)('libsql');
  const alter = (path: string, sql: string): void => {
    const db = new Database(path);
    db.exec(sql);
    db.close();
  };

  it('fault J6: of a newer version is refused, and both versions are named', async () => {
    const path = journalPath();
    Journal.open(complete({ path }), silentLog).close();
    alter(path, 'PRAGMA user_version=7');
    expect(() => textsIn(path)).toThrow('has version 7, and this gaffr knows version 1');
  });

  it('that belongs to something else is not touched', () => {
    const path = journalPath();
    alter(path, 'CREATE TABLE notes(text)');
    expect(() => textsIn(path)).toThrow('it is a database of something else');
  });

  it('that belongs to something else keeps the mode of its log', () => {
    const path = journalPath();
    const theirs = new Database(path);
    theirs.exec('PRAGMA journal_mode=WAL; CREATE TABLE notes(text)');
    theirs.close();
    expect(() => textsIn(path)).toThrow('it is a database of something else');
    const [{ journal_mode: mode }] = new Database(path).pragma('journal_mode');
    expect(mode).toBe('wal');
  });

  it('that cannot be opened is told with its path', () => {
    expect(() => textsIn('/dev/null/tasks.journal')).toThrow('"/dev/null/tasks.journal" cannot be opened');
  });

  it('that is no database is left alone, without a copy, unless it is to be repaired', () => {
    const path = journalPath();
    writeFileSync(path, 'a shopping list '.repeat(100));
    expect(() => textsIn(path)).toThrow(`The file "${path}" is no journal`);
    expect(readdirSync(dirname(path))).toEqual(['tasks.journal']);
    expect(readFileSync(path, 'utf8')).toContain('a shopping list');
    expect(textsIn(path, { repair: true })).toEqual([]);
    expect(readdirSync(dirname(path)).filter((name) => name.includes('damaged'))).toHaveLength(1);
  });

  it.each([
    ['the first bytes', 0, 16],
    ['all but the first bytes', 16, 100],
    ['the whole head, blank', 0, 4096, 0],
  ])('that was a journal is kept as one when damage took %s', async (_, from, to, byte = 0xa5) => {
    const path = await journalOf(3);
    Journal.open(complete({ path }), silentLog).close();
    const bytes = readFileSync(path).fill(byte, from, to);
    writeFileSync(path, bytes);
    expect(codeOf(() => textsIn(path))).toBe('JOURNAL_CORRUPT');
    expect(readFileSync(`${path}.corrupt`)).toEqual(bytes);
  });

  it('that was being written is kept as a journal, whatever its head says', () => {
    const path = journalPath();
    writeFileSync(path, 'x'.repeat(4096));
    writeFileSync(`${path}-reserve`, '');
    expect(codeOf(() => textsIn(path))).toBe('JOURNAL_CORRUPT');
  });

  it.each([
    ['a folder', () => dirname(journalPath()), 'it is a folder'],
    ['no file', () => '/dev/null', 'it is no file'],
    // SQLite takes 512 characters.
    [
      'a path that is too long',
      () => join(dirname(journalPath()), ...Array(4).fill('f'.repeat(200)), 'j'),
      '',
    ],
  ])('that is %s is told with its path', (_, pathOf, why) => {
    const path = pathOf();
    expect(codeOf(() => textsIn(path))).toBe('JOURNAL_FAILED');
    expect(() => textsIn(path)).toThrow(`"${path}" cannot be opened: ${why}`);
  });

  it('fault P8: that another orchestrator has is refused, until that one is closed', async () => {
    const path = journalPath();
    const { orchestrator } = openWorld(journal({ path }));
    expect(codeOf(() => openWorld(journal({ path })))).toBe('JOURNAL_LOCKED');
    await orchestrator.close();
    expect(codeOf(() => textsIn(path))).toBe(null);
  });
});

/** A table before whose writes something happens. */
function withWrite(table: FrameTable, before: () => void): FrameTable {
  const write = table.write.bind(table);
  table.write = (...args: Parameters<FrameTable['write']>) => {
    before();
    write(...args);
  };
  return table;
}
