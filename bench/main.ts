/**
 * `npm run bench -- <name> [--json] [--runs N] [--only TEXT] [--data FOLDER] [--write]`: runs one bench, or `all`, and
 * prints its tables or its report as JSON on stdout; progress goes to stderr.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.js';
import { BENCH_NAMES, findBench } from './benches.js';
import { installPackages } from './packages.js';
import { machineLine, type Report, tablesOf } from './report.js';
import { writePage, writeReport } from './result-files.js';
import { runBench } from './runner.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    data: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    write: { type: 'boolean', default: false },
  },
});

try {
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0)
    throw new Error(`Name one bench: ${BENCH_NAMES.join(', ')}, all.`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs must be a whole number of at least 1, not "${values.runs}".`);
  if (values.write && values.only.length > 0)
    throw new Error('--write needs all contestants; leave --only out.');
  const dataFolder = values.data === undefined ? undefined : resolve(values.data);
  for (const each of name === 'all' ? BENCH_NAMES : [name]) {
    const bench = await findBench(each, dataFolder);
    if (each === name && bench.dataFolder !== dataFolder)
      throw new Error(`The bench "${name}" takes no --data.`);
    await runAndShow(bench, runs);
  }
  if (values.write) await writePage();
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
}

async function runAndShow(bench: Bench, runsAsked: number): Promise<void> {
  const fitting = bench.contestants.filter(isChosen);
  if (fitting.length === 0) throw new Error(`No contestant of "${bench.name}" fits --only.`);
  const asked = fitting.map((contestant) => ({ contestant, reason: contestant.whyNot?.() }));
  const notMeasured = asked.flatMap(({ contestant: { name: contestant }, reason }) =>
    reason === undefined ? [] : [{ contestant, reason }],
  );
  const chosen = {
    ...bench,
    contestants: asked.filter(({ reason }) => reason === undefined).map(({ contestant }) => contestant),
  };
  const packages = chosen.contestants.flatMap((contestant) => contestant.packages ?? []);
  for (const folder of new Set(packages)) installPackages(folder);
  const runs = Math.min(runsAsked, bench.mostRuns ?? runsAsked);
  const measured = await runBench(chosen, {
    runs,
    onRun: (run, contestant) => console.error(`${bench.name}: run ${run} of ${runs}, ${contestant}`),
  });
  const report = { ...measured, ...(notMeasured.length > 0 && { notMeasured }) };
  console.log(values.json ? JSON.stringify(report, null, 2) : textOf(report, bench));
  if (values.write) writeReport(report);
}

/** Contestants whose name contains one of the texts; all when there are none. */
function isChosen({ name }: { readonly name: string }): boolean {
  return values.only.length === 0 || values.only.some((text) => name.includes(text));
}

function textOf(report: Report, bench: Bench): string {
  const { name, measures, doesNotMeasure, ratiosAre } = report;
  const about = [
    `# ${name}`,
    `Measures: ${measures}`,
    `Does not measure: ${doesNotMeasure}`,
    machineLine(report),
  ];
  return [...about, tablesOf(report, bench), `Ratios: ${ratiosAre}.\n`].join('\n\n');
}
