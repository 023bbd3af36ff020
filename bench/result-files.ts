import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BENCH_NAMES, findBench } from './benches.js';
import { growthChart } from './growth-chart.js';
import { fillPage } from './page.js';
import type { Report } from './report.js';

/** This file runs from out/bench. */
const root = new URL('../../', import.meta.url);
const page = new URL('docs/BENCHMARKS.md', root);
const chart = new URL('docs/benchmark-growth.svg', root);
const folder = new URL('bench/results/', root);

/** Keeps a report, from which the page is made. */
export function writeReport(report: Report): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(report.name), `${JSON.stringify(report, null, 2)}\n`);
}

/** Makes the tables of docs/BENCHMARKS.md and its chart from the reports that are kept. */
export async function writePage(): Promise<void> {
  const names = BENCH_NAMES.filter((name) => existsSync(fileOf(name)));
  const reports = await Promise.all(
    names.map(async (name) => ({ bench: await findBench(name), report: readReport(name) })),
  );
  writeFileSync(page, fillPage(readFileSync(page, 'utf8'), reports));
  const growth = reports.find(({ bench }) => bench.name === 'growth');
  if (growth) writeFileSync(chart, growthChart(growth.report));
}

function readReport(name: string): Report {
  return JSON.parse(readFileSync(fileOf(name), 'utf8')) as Report;
}

function fileOf(name: string): URL {
  return new URL(`${name}.json`, folder);
}
