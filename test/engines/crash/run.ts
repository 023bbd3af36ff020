/**
 * Kills processes again and again while tasks are in flight, and compares what was promised with what came of it:
 * `npm run crash -- --engine journal --kills 100`, `npm run crash -- --engine restate --scenario server`. Or fills the disk
 * of a journal again and again: `npm run crash -- --engine journal --disk-full --rounds 50`.
 *
 * --engine NAME    `journal` (default) or `restate`
 * --kills N        how many (default: 20 with the journal, 3 of each scenario with Restate)
 * --scenario NAME  of Restate, what is killed: `worker`, `server`, `cluster` (the leading node of three), or `all` (default)
 * --disk-full      with the journal: on a small disk of its own, which is filled; needs Linux, and the right to mount one
 * --rounds N       with --disk-full, how often (default: 20)
 * --seed N         of the moments (default: the time)
 * --json           prints the report as indented JSON
 *
 * Exit code 1 when a bound breaks: what they are stands in `journal/crash-journal.ts`, `journal/disk-full.ts` and
 * `restate/crash-restate.ts`.
 */
import { parseArgs } from 'node:util';
import type { CrashReport } from './crash-test.js';
import { crashJournal } from './journal/crash-journal.js';
import { crashDiskFull } from './journal/disk-full.js';
import { rerunOnSmallDisk, smallDisk } from './journal/small-disk.js';
import { crashRestate } from './restate/crash-restate.js';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'journal' },
    kills: { type: 'string' },
    scenario: { type: 'string' },
    'disk-full': { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});
const { engine, scenario, json, 'disk-full': isDiskFull } = values;
const seed = Number(values.seed);
const disk = smallDisk();
if (isDiskFull) check();
if (isDiskFull && disk === undefined) process.exitCode = await rerunOnSmallDisk();
else await tell();

/** Of what `--disk-full` goes with. */
function check(): void {
  if (engine !== 'journal') throw new Error('--disk-full means something with --engine journal only.');
  if (values.kills !== undefined) throw new Error('--disk-full is counted in --rounds; leave --kills out.');
}

async function tell(): Promise<void> {
  const times = timesOf();
  const { isSound, figures } = await run(times);
  const report = { engine, ...times, seed, ...figures };
  process.stdout.write(`${JSON.stringify(report, null, json ? 2 : undefined)}\n`);
  process.exitCode = isSound ? 0 : 1;
}

/** How often, under the name by which it is said. */
function timesOf(): { readonly rounds: number } | { readonly kills: number } {
  if (isDiskFull) return { rounds: wholeNumber('rounds', values.rounds ?? '20') };
  if (values.rounds !== undefined) throw new Error('--rounds means something with --disk-full only.');
  return { kills: wholeNumber('kills', values.kills ?? (engine === 'restate' ? '3' : '20')) };
}

function wholeNumber(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--${name} must be a whole number of at least 1, not "${text}".`);
  return count;
}

function run(times: ReturnType<typeof timesOf>): Promise<CrashReport> {
  if ('rounds' in times) return crashDiskFull({ ...times, seed, disk: disk as string });
  switch (engine) {
    case 'journal':
      if (scenario !== undefined) throw new Error('--scenario means something with --engine restate only.');
      return crashJournal({ ...times, seed });
    case 'restate':
      return crashRestate({ ...times, seed }, scenario ?? 'all');
    default:
      throw new Error(
        `The engine "${engine}" keeps nothing that could be compared; use --engine journal or restate.`,
      );
  }
}
