/**
 * Kills processes again and again while tasks are in flight, and compares what was promised with what came of it:
 * `npm run crash -- --engine journal --kills 100`, `npm run crash -- --engine restate --scenario server`.
 *
 * --engine NAME    `journal` (default) or `restate`
 * --kills N        how many (default: 20 with the journal, 3 of each scenario with Restate)
 * --scenario NAME  of Restate, what is killed: `worker`, `server`, `cluster` (the leading node of three), or `all` (default)
 * --seed N         of the moments (default: the time)
 * --json           prints the report as indented JSON
 *
 * Exit code 1 when a bound breaks: what they are stands in `journal/crash-journal.ts` and `restate/crash-restate.ts`.
 */
import { parseArgs } from 'node:util';
import type { CrashReport } from './crash-test.js';
import { crashJournal } from './journal/crash-journal.js';
import { crashRestate } from './restate/crash-restate.js';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'journal' },
    kills: { type: 'string' },
    scenario: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});
const { engine, scenario, json } = values;
const seed = Number(values.seed);
const kills = Number(values.kills ?? (engine === 'restate' ? 3 : 20));
if (!Number.isInteger(kills) || kills < 1)
  throw new Error(`--kills must be a whole number of at least 1, not "${values.kills}".`);
const { isSound, figures } = await run();
const report = { engine, kills, seed, ...figures };
process.stdout.write(`${JSON.stringify(report, null, json ? 2 : undefined)}\n`);
process.exitCode = isSound ? 0 : 1;

function run(): Promise<CrashReport> {
  switch (engine) {
    case 'journal':
      if (scenario !== undefined) throw new Error('--scenario means something with --engine restate only.');
      return crashJournal({ kills, seed });
    case 'restate':
      return crashRestate({ kills, seed }, scenario ?? 'all');
    default:
      throw new Error(
        `The engine "${engine}" keeps nothing that could be compared; use --engine journal or restate.`,
      );
  }
}
