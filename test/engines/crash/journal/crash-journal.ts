import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FrameTable } from '../../../../src/engines/journal/frame-table.js';
import { decodeFrame } from '../../../../src/engines/journal/record.js';
import { mulberry32 } from '../../../simulation/random.js';
import type { CrashOptions, CrashReport } from '../crash-test.js';
import { quantiles } from '../quantiles.js';

const MOST_RECOVERY_MS = 500;
const LIFE_MS = [150, 400] as const;

interface Start {
  /** From the opening of the journal until all that was left is done. */
  readonly recoveryMs: number;
  /** The same from the start of the process. */
  readonly restartMs: number;
}

/** Ends by task: the record, and the status in it. */
type Ends = Map<string, Map<string, string>>;

/**
 * Kills a process with a journal again and again, and compares what it had promised with what its journal holds.
 *
 * Bounds: nothing that was acknowledged is lost, nothing has ended twice, no attempt of a service that is not idempotent
 * ran twice, and what was left is taken up and done in less than 500 ms at the 99th percentile, from the opening of the
 * journal.
 */
export async function crashJournal({ kills, seed }: CrashOptions): Promise<CrashReport> {
  const random = mulberry32(seed);
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-crash-'));
  const ends: Ends = new Map();
  const starts: Start[] = [];
  try {
    for (let life = 0; life < kills; life += 1) {
      const child = start(folder, String(life));
      starts.push(await readyOf(child));
      await sleep(LIFE_MS[0] + random() * (LIFE_MS[1] - LIFE_MS[0]));
      child.kill('SIGKILL');
      await once(child, 'exit');
      readEnds(folder, ends);
    }
    const last = start(folder, 'last');
    starts.push(await readyOf(last));
    await once(last, 'exit');
    readEnds(folder, ends);
    const found = judge(folder, ends);
    const recoveryMs = quantiles(starts.map((each) => each.recoveryMs));
    const restartMs = quantiles(starts.map((each) => each.restartMs));
    const { lost, double, wronglyTold, repeatedUnsafe } = found;
    return {
      isSound: lost + double + wronglyTold + repeatedUnsafe === 0 && recoveryMs.p99 < MOST_RECOVERY_MS,
      figures: { ...found, recoveryMs, restartMs },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function journalIn(folder: string): string {
  return join(folder, 'tasks.journal');
}

function promisesIn(folder: string): string {
  return join(folder, 'promises.log');
}

function start(folder: string, life: string): ChildProcess {
  const args = [journalIn(folder), promisesIn(folder), life];
  return fork(fileURLToPath(new URL('child.mjs', import.meta.url)), args, { execArgv: [] });
}

async function readyOf(child: ChildProcess): Promise<Start> {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the process ended before it was ready');
    }),
  ]);
  return message;
}

/** Compares promises with records. */
function judge(folder: string, ends: Ends) {
  const accepted = new Set<string>();
  const told = new Map<string, string>();
  const unsafeAttempts = new Map<string, number>();
  let again = 0;
  for (const line of readFileSync(promisesIn(folder), 'utf8').split('\n')) {
    const [what, id = '', detail = '', service] = line.split(' ');
    if (what === 'A') accepted.add(id);
    if (what === 'R') told.set(id, detail);
    if (what !== 'X') continue;
    if (Number(detail) > 1) again += 1;
    if (service === 'unsafe') unsafeAttempts.set(id, (unsafeAttempts.get(id) ?? 0) + 1);
  }
  const acknowledged = new Set([...accepted, ...told.keys()]);
  const count = (ids: Iterable<string>, isIt: (id: string) => boolean): number =>
    [...ids].filter(isIt).length;
  const statusOf = (id: string): string | undefined => [...(ends.get(id)?.values() ?? [])][0];
  return {
    acknowledged: acknowledged.size,
    lost: count(acknowledged, (id) => !ends.has(id)),
    double: count(ends.keys(), (id) => (ends.get(id)?.size ?? 0) > 1),
    wronglyTold: count(told.keys(), (id) => statusOf(id) !== told.get(id)),
    repeatedUnsafe: count(unsafeAttempts.keys(), (id) => (unsafeAttempts.get(id) ?? 0) > 1),
    completed: count(ends.keys(), (id) => statusOf(id) === 'completed'),
    interrupted: count(ends.keys(), (id) => statusOf(id) === 'interrupted'),
    ranAgain: again,
  };
}

/**
 * Notes every end that lies in the journal. In a copy, so that the next process finds the files as they were left. Old ends
 * are removed in time, and copied to other places until then, so they are known by their words.
 */
function readEnds(folder: string, ends: Ends): void {
  const copy = join(folder, 'copy.journal');
  for (const suffix of ['', '-wal']) {
    rmSync(copy + suffix, { force: true });
    if (existsSync(journalIn(folder) + suffix)) copyFileSync(journalIn(folder) + suffix, copy + suffix);
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
