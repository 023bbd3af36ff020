import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOrMisuse } from '../../src/core/config.js';
import { engineOptionsSchema, type JournalOptions } from '../../src/core/engine-config.js';
import { silentLog } from '../../src/core/environment.js';
import { Journal } from '../../src/engines/journal/journal.js';
import { journalPath, killedCopy } from './support.js';

const options = (path: string, more: Partial<JournalOptions> = {}): JournalOptions =>
  parseOrMisuse(
    engineOptionsSchema,
    { kind: 'journal', path, synchronous: 'normal', ...more },
    'engine',
  ) as JournalOptions;

const body = JSON.stringify({
  text: 'x',
  service: null,
  kwargs: null,
  priority: 0,
  timeoutMs: 1,
  queueTimeoutMs: null,
  deadlineMs: null,
  maxRetries: 0,
});

/** What may happen to one of a few tasks, and to a shelf. */
const step = fc.record({
  id: fc.integer({ min: 0, max: 5 }).map((number) => `t${number}`),
  what: fc.constantFrom('accepted', 'started', 'resting', 'completed', 'failed', 'put', 'drop'),
  isLast: fc.boolean(),
});

function write(journal: Journal, { id, what }: { id: string; what: string }): void {
  const shelf = journal.shelf('runs');
  const atMs = Date.now();
  if (what === 'put') shelf.put(id, `text of ${id}`);
  else if (what === 'drop') shelf.drop(id);
  else if (what === 'accepted') journal.add({ kind: 'accepted', id, atMs, key: null }, { body });
  else if (what === 'started') journal.add({ kind: 'started', id, attempts: 1, service: 's', crashes: 0 });
  else if (what === 'resting') journal.add({ kind: 'resting', id, attempts: 1, crashes: 0 });
  else {
    const status = what as 'completed' | 'failed';
    const end = { kind: 'finished', id, atMs, status, service: 's', attempts: 1, errorCode: null } as const;
    journal.add(end, { body: JSON.stringify({ taskId: id, status }) });
  }
}

/** All that can be asked of a journal. */
function contentsOf(journal: Journal): object {
  const tasks = journal.books.list().sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
  return {
    tasks: tasks.map((task) => ({ ...task, result: journal.find(task.taskId)?.result ?? null })),
    open: journal.books
      .open()
      .map(({ id, state }) => `${id} ${state}`)
      .sort(),
    runs: [...journal.shelf('runs').entries()].sort(),
    live: journal.books.live,
    total: journal.books.total,
  };
}

describe('compaction', () => {
  it('changes nothing that can be asked for, and what is read again is the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat(3)),
        async (steps, pieces) => {
          const path = journalPath();
          const journal = Journal.open(options(path), silentLog);
          for (const each of steps) {
            write(journal, each);
            if (each.isLast) journal.commit();
            if (each.isLast && pieces.next().value === 0) {
              const before = { ...contentsOf(journal), total: 0 };
              journal.compactNow(3);
              expect({ ...contentsOf(journal), total: 0 }).toEqual(before);
            }
          }
          journal.commit();
          const written = contentsOf(journal);
          const read = Journal.open(options(killedCopy(path)), silentLog);
          expect(contentsOf(read)).toEqual(written);
          read.close();
          journal.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps a task that is long under way, and forgets thousands that have ended', async () => {
    const path = journalPath();
    const journal = Journal.open(options(path, { keepTasks: 20 }), silentLog);
    write(journal, { id: 'long', what: 'accepted' });
    write(journal, { id: 'long', what: 'started' });
    for (let count = 0; count < 6000; count += 1) {
      for (const what of ['accepted', 'started', 'completed']) write(journal, { id: `s${count}`, what });
      if (count % 10 === 0) journal.commit();
    }
    journal.commit();
    expect(journal.books.total).toBeLessThan(4000);
    const read = Journal.open(options(killedCopy(path), { keepTasks: 20 }), silentLog);
    expect(read.books.open().map(({ id, state }) => [id, state])).toEqual([['long', 'running']]);
    expect(read.books.list()).toHaveLength(21);
    read.close();
    journal.close();
  });

  it('leaves the tasks in the order of their acceptance, whichever were moved', () => {
    const path = journalPath();
    const journal = Journal.open(options(path), silentLog);
    const ids = Array.from({ length: 9 }, (_, index) => `t${index}`);
    for (const [atMs, id] of ids.entries()) {
      journal.add({ kind: 'accepted', id, atMs, key: null }, { body });
      journal.commit();
    }
    journal.compactNow(4);
    const read = Journal.open(options(killedCopy(path)), silentLog);
    for (const { books } of [journal, read]) {
      expect(books.open().map(({ id }) => id)).toEqual(ids);
      expect(books.list({ most: 3 }).map(({ taskId }) => taskId)).toEqual(ids.slice(-3));
    }
    read.close();
    journal.close();
  });

  it('writes a commit of any size', async () => {
    const path = journalPath();
    const journal = Journal.open(options(path, { keepTasks: 100_000 }), silentLog);
    for (let count = 0; count < 25_000; count += 1) write(journal, { id: `t${count}`, what: 'accepted' });
    journal.commit();
    const read = Journal.open(options(killedCopy(path)), silentLog);
    expect(read.books.open()).toHaveLength(25_000);
    read.close();
    journal.close();
  });
});
