import type { Bench, Result } from './bench.js';
import type { Machine } from './machine.js';

/** What a bench found, as `--json` prints it. */
export interface Report {
  readonly name: string;
  readonly measures: string;
  readonly doesNotMeasure: string;
  readonly runs: number;
  readonly machine: Machine;
  /** What the numbers in `ratios` mean. */
  readonly ratiosAre: string;
  readonly results: readonly Result[];
  /** Ratios of the first contestant of ours to its peers; the others' stand with them. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Contestants that could not take part, and why. */
  readonly notMeasured?: readonly { readonly contestant: string; readonly reason: string }[];
}

/** The tables of a report in Markdown that also reads well on a terminal: figures and ratios of each group. */
export function tablesOf(
  { results, notMeasured = [] }: Pick<Report, 'results' | 'notMeasured'>,
  bench: Bench,
): string {
  const groups = [...new Set(results.map(({ group }) => group))];
  const tables = groups.map((group) => {
    const members = results.filter((result) => result.group === group);
    const columns = columnsOf(members, bench);
    const figures = markdownTable([headingOf(columns), ...members.map((result) => rowOf(result, columns))]);
    const parts = [figures, ...ratiosOf(members), ...notesOf(members), ...detailsOf(members, bench)];
    return [`**${group}**`, ...parts].join('\n\n');
  });
  const absences = notMeasured.map(({ contestant, reason }) => `${contestant}: not measured, ${reason}.`);
  return [...tables, ...absences].join('\n\n');
}

/** Says where and how a report came about. */
export function machineLine({ machine, runs }: Pick<Report, 'machine' | 'runs'>): string {
  const { cpu, cores, memoryGb, platform, node, day, loadAverageBefore, loadAverageAfter } = machine;
  const load = `load average ${loadAverageBefore} before, ${loadAverageAfter} at the end`;
  const times = runs === 1 ? 'one run' : `medians of ${runs} runs`;
  return `${day}, ${times}: ${cores} × ${cpu}, ${memoryGb} GB, ${platform}, Node ${node}, ${load}.`;
}

/** Columns as wide as their widest cell; all but the first are numbers and stand to the right. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [heading = [], ...rest] = rows;
  const widths = heading.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] as number, column)).join(' | ')} |`;
  const ruler = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(heading), `| ${ruler.join(' | ')} |`, ...rest.map(line)].join('\n');
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

/** Figures and their headings, without those that nobody in the group has. */
function columnsOf(
  members: readonly Result[],
  { figureColumns = {} }: Bench,
): [figure: string, heading: string][] {
  return Object.entries(figureColumns).filter(([name]) =>
    members.some(({ figures }) => figures?.[name] !== undefined),
  );
}

function headingOf(columns: readonly [figure: string, heading: string][]): string[] {
  return ['', 'tasks/s', 'lowest – highest', 'CPU µs/task', ...columns.map(([, heading]) => heading)];
}

function rowOf(result: Result, columns: readonly [figure: string, heading: string][]): string[] {
  const [lowest, highest] = result.tasksPerSecondRange;
  return [
    result.label,
    shown(result.tasksPerSecond),
    `${shown(lowest)} – ${shown(highest)}`,
    shown(result.cpuMicrosPerTask),
    ...columns.map(([name]) => shown(result.figures?.[name])),
  ];
}

/** A row for each of ours, a column for each peer; none when there is nothing to compare. */
function ratiosOf(members: readonly Result[]): string[] {
  const peers = Object.keys(members.find(({ ratios }) => ratios !== undefined)?.ratios ?? {});
  if (peers.length === 0) return [];
  const rows = members.flatMap(({ label, ratios, ratioRanges }) => {
    if (ratios === undefined) return [];
    const cells = peers.map((peer) => {
      const [lowest, highest] = ratioRanges?.[peer] ?? [Number.NaN, Number.NaN];
      return `${brief(ratios[peer])} (${brief(lowest)} – ${brief(highest)})`;
    });
    return [[label, ...cells]];
  });
  return [markdownTable([['ours ÷ peer (lowest – highest run)', ...peers], ...rows])];
}

/** Those who share a note share its line. */
function notesOf(members: readonly Result[]): string[] {
  const notes = [...new Set(members.flatMap(({ note }) => (note === undefined ? [] : [note])))];
  const lines = notes.map((note) => {
    const labels = members.filter((result) => result.note === note).map(({ label }) => label);
    return `- ${labels.join(' · ')}: ${note}.`;
  });
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function detailsOf(members: readonly Result[], bench: Bench): string[] {
  const { detailRows } = bench;
  if (detailRows === undefined) return [];
  return members.flatMap(({ label, details }) => [`**${label}**`, markdownTable(detailRows(details))]);
}

/** Three digits are enough to compare; thousands are told apart. */
function shown(value: number | undefined): string {
  if (value === undefined) return '';
  if (value >= 1000) return Number(value.toPrecision(3)).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** A ratio: two digits are all that a noisy machine gives. */
function brief(value = Number.NaN): string {
  return String(Number(value.toPrecision(2)));
}
