import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mulberry32 } from '../../../simulation/random.js';
import type { CrashOptions, CrashReport } from '../crash-test.js';
import { quantiles } from '../quantiles.js';
import { type Ends, readEnds, statusOf } from './ends.js';
import { kill, readyOf, type Start, startLife } from './life.js';
import { Promises } from './promises.js';

const MOST_RECOVERY_MS = 500;
const LIFE_MS = [150, 400] as const;

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
  const journal = join(folder, 'tasks.journal');
  const promises = join(folder, 'promises.log');
  const ends: Ends = new Map();
  const noteEnds = (): void => readEnds(journal, join(folder, 'copy.journal'), ends);
  const starts: Start[] = [];
  try {
    for (let life = 0; life < kills; life += 1) {
      const child = startLife({ journal, promises, name: String(life) });
      starts.push(await readyOf(child));
      await sleep(LIFE_MS[0] + random() * (LIFE_MS[1] - LIFE_MS[0]));
      await kill(child);
      noteEnds();
    }
    const last = startLife({ journal, promises, name: 'last' });
    starts.push(await readyOf(last));
    await once(last, 'exit');
    noteEnds();
    const found = judge(new Promises(promises).read(), ends);
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

/** Compares promises with records. */
function judge(promises: Promises, ends: Ends) {
  const { told, unsafeAttempts, ranAgain } = promises;
  const acknowledged = promises.acknowledged();
  const count = (ids: Iterable<string>, isIt: (id: string) => boolean): number =>
    [...ids].filter(isIt).length;
  return {
    acknowledged: acknowledged.size,
    lost: count(acknowledged, (id) => !ends.has(id)),
    double: count(ends.keys(), (id) => (ends.get(id)?.size ?? 0) > 1),
    wronglyTold: count(told.keys(), (id) => statusOf(ends, id) !== told.get(id)?.status),
    repeatedUnsafe: count(unsafeAttempts.keys(), (id) => (unsafeAttempts.get(id) ?? 0) > 1),
    completed: count(ends.keys(), (id) => statusOf(ends, id) === 'completed'),
    interrupted: count(ends.keys(), (id) => statusOf(ends, id) === 'interrupted'),
    ranAgain,
  };
}
