import type { Bench } from './bench.js';
import { machineLine, type Report, tablesOf } from './report.js';

/**
 * docs/BENCHMARKS.md with each `<!-- bench:name --> … <!-- /bench:name -->` filled from the report of that bench.
 *
 * @throws Error when the page has no place for a report.
 */
export function fillPage(
  page: string,
  reports: readonly { readonly bench: Bench; readonly report: Report }[],
): string {
  return reports.reduce((text, { bench, report }) => fill(text, bench.name, blockOf(report, bench)), page);
}

function blockOf(report: Report, bench: Bench): string {
  const { measures, doesNotMeasure } = report;
  const about = `Measures: ${measures}\n\nDoes not measure: ${doesNotMeasure}`;
  return `${about}\n\n${machineLine(report)}\n\n${tablesOf(report, bench)}`;
}

function fill(page: string, name: string, block: string): string {
  const open = `<!-- bench:${name} -->`;
  const start = page.indexOf(open);
  const end = page.indexOf(`<!-- /bench:${name} -->`, start);
  if (start < 0 || end < 0) throw new Error(`The page has no place for "${name}".`);
  return `${page.slice(0, start + open.length)}\n${block}\n${page.slice(end)}`;
}
