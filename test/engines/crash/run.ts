/**
 * Kills a process again and again while tasks are in flight, and compares what it had promised with what its journal holds:
 * `npm run crash -- --engine journal --kills 100`.
 *
 * --engine NAME  `journal`
 * --kills N      how many (default 20)
 * --seed N       of the moments (default: the time)
 * --json         prints the report as JSON
 *
 * Bounds: nothing that was acknowledged is lost, nothing has ended twice, no attempt of a service that is not idempotent
 * ran twice, and what was left is taken up and done in less than 500 ms at the 99th percentile, from the opening of the
 * journal. Exit code 1 when one breaks.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FrameTable } from '../../../src/engines/journal/frame-table.js';
import { decodeFrame } from '../../../src/engines/journal/record.js';
import { mulberry32 } from '../../simulation/random.js';

const MOST_RECOVERY_MS = 500;
const LIFE_MS = [150, 400] as const;

interface Start {
  /** From the opening of the journal until all that was left is done. */
  readonly recoveryMs: number;
  /** The same from the start of the process. */
  readonly restartMs: number;
}

/** Ends by task: the record, and the status in it. */
const ends = new Map<string, Map<string, string>>();

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'journal' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});
if (values.engine !== 'journal') {
  throw new Error(
    `The engine "${values.engine}" keeps nothing that could be compared; use --engine journal.`,
  );
}
const kills = Number(values.kills);
const random = mulberry32(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), 'gaffr-crash-'));
const journalPath = join(folder, 'tasks.journal');
const logPath = join(folder, 'promises.log');

try {
  const starts: Start[] = [];
  for (let life = 0; life < kills; life += 1) {
    const child = start(String(life));
    starts.push(await readyOf(child));
    await sleep(LIFE_MS[0] + random() * (LIFE_MS[1] - LIFE_MS[0]));
    child.kill('SIGKILL');
    await once(child, 'exit');
    readEnds();
  }
  const last = start('last');
  starts.push(await readyOf(last));
  await once(last, 'exit');
  readEnds();
  const report = {
    engine: values.engine,
    kills,
    seed: Number(values.seed),
    ...judge(),
    recoveryMs: quantiles(starts.map(({ recoveryMs }) => recoveryMs)),
    restartMs: quantiles(starts.map(({ restartMs }) => restartMs)),
  };
  const { lost, double, wronglyTold, repeatedUnsafe, recoveryMs } = report;
  const isSound = lost + double + wronglyTold + repeatedUnsafe === 0 && recoveryMs.p99 < MOST_RECOVERY_MS;
  process.stdout.write(`${JSON.stringify(report, null, values.json ? 2 : undefined)}\n`);
  process.exitCode = isSound ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function start(life: string): ChildProcess {
  return fork(fileURLToPath(new URL('child.mjs', import.meta.url)), [journalPath, logPath, life], {
    execArgv: [],
  });
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
function judge() {
  const accepted = new Set<string>();
  const told = new Map<string, string>();
  const unsafeAttempts = new Map<string, number>();
  let again = 0;
  for (const line of readFileSync(logPath, 'utf8').split('\n')) {
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

function statusOf(id: string): string | undefined {
  return [...(ends.get(id)?.values() ?? [])][0];
}

/**
 * Notes every end that lies in the journal. In a copy, so that the next process finds the files as they were left. Old ends
 * are removed in time, and copied to other places until then, so they are known by their words.
 */
function readEnds(): void {
  const copy = join(folder, 'copy.journal');
  for (const suffix of ['', '-wal']) {
    rmSync(copy + suffix, { force: true });
    if (existsSync(journalPath + suffix)) copyFileSync(journalPath + suffix, copy + suffix);
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

function quantiles(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
