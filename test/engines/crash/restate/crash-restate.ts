import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { install } from '../../../../scripts/install.mjs';
import { mulberry32 } from '../../../simulation/random.js';
import type { CrashOptions, CrashReport } from '../crash-test.js';
import { quantiles } from '../quantiles.js';
import { AttemptLog } from './attempt-log.js';
import { judge } from './judge.js';
import { Load } from './load.js';
import { STAGES, type Stage } from './stages.js';

/** How long the load is left alone between two kills, in milliseconds. */
const PEACE_MS = [200, 800] as const;

/** How long it may take until something runs again. */
const MOST_RECOVERY_MS = 60_000;

/**
 * Kills what the engine `restate` is made of, again and again, while forty tasks are in flight: some whose attempts may be
 * repeated and some whose may not, some that fail at first, and some that are cancelled. The process that handed them over
 * survives.
 *
 * Bounds, in each scenario: nothing that was acknowledged is lost, nothing ends twice, no attempt of a service that is not
 * idempotent runs twice, and never do more attempts run than `maxParallel` says. What else is wrong is counted as a
 * violation, and is a failure too.
 */
export async function crashRestate(options: CrashOptions, scenario: string): Promise<CrashReport> {
  const names = scenario === 'all' ? Object.keys(STAGES) : [scenario];
  const unknown = names.find((name) => !Object.hasOwn(STAGES, name));
  if (unknown !== undefined)
    throw new Error(`--scenario must be one of ${Object.keys(STAGES).join(', ')} or all, not "${unknown}".`);
  install(fileURLToPath(new URL('../../../restate/', import.meta.url)), 'packages of test/restate');
  const figures: Record<string, Awaited<ReturnType<typeof play>>> = {};
  for (const name of names) {
    process.stderr.write(`crash: ${name}\n`);
    figures[name] = await play(STAGES[name] as (typeof STAGES)[string], options);
  }
  return { isSound: Object.values(figures).every(({ violations }) => violations === 0), figures };
}

async function play(open: (log: AttemptLog) => Promise<Stage>, { kills, seed }: CrashOptions) {
  const random = mulberry32(seed);
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-crash-'));
  const log = new AttemptLog(join(folder, 'attempts.log'));
  const stage = await open(log);
  try {
    const load = new Load(stage, seed);
    const recoveries: number[] = [];
    await nextStart(log, 0);
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(PEACE_MS[0] + random() * (PEACE_MS[1] - PEACE_MS[0]));
      recoveries.push(await strike(stage, log));
    }
    await load.end();
    const lines = log.linesFrom(0);
    const different = await load.askAgain();
    const attemptsAgain = log.linesFrom(lines.length).filter(({ kind }) => kind === 'S').length;
    const found = judge({ stories: load.stories, lines, different, attemptsAgain });
    return { kills, ...found, recoveryMs: quantiles(recoveries) };
  } finally {
    await stage.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long after a kill the first attempt begins, in milliseconds. */
async function strike(stage: Stage, log: AttemptLog): Promise<number> {
  const killedAtMs = Date.now();
  let known = 0;
  // What began until the victim was dead says nothing.
  await stage.strike(() => {
    known = log.linesFrom(0).length;
  });
  return (await nextStart(log, known)) - killedAtMs;
}

/** When the next attempt begins, on the wall clock. @throws Error when nothing does for long. */
async function nextStart(log: AttemptLog, from: number): Promise<number> {
  const endMs = Date.now() + MOST_RECOVERY_MS;
  while (Date.now() < endMs) {
    const start = log.linesFrom(from).find(({ kind }) => kind === 'S');
    if (start !== undefined) return start.atMs;
    await sleep(20);
  }
  throw new Error(`No attempt began within ${MOST_RECOVERY_MS / 1000} s.`);
}
