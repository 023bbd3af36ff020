import type { ThresholdFigures } from '../../strategies/confidence-curve.js';
import type { Confusion, RoutingEvaluation, ServiceEvaluation } from '../../strategies/evaluation.js';
import { onOneLine, table } from '../table.js';
import { wrapToWidth } from '../wrap.js';
import { bar } from './explanation-view.js';

const MOST_SERVICES = 20;
const MOST_CONFUSIONS = 10;
const WIDEST_SERVICE = 24;

/** An evaluation for people: the counts, a chart by threshold, services and confusions, and what to add. */
export function describeEvaluation(evaluation: RoutingEvaluation, columns: number): string {
  return [
    summary(evaluation, columns),
    chart(evaluation, columns),
    serviceTable(evaluation.services, columns),
    confusionTable(evaluation.confusions, columns),
    advice(evaluation, columns),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function summary(evaluation: RoutingEvaluation, columns: number): string {
  const { tasks, accuracy, withService, outOfScope, confidenceThreshold, fallbackService } = evaluation;
  const { right, wrong, refused, first, firstThree } = withService;
  const fallback = fallbackService === null ? 'no fallback service' : `fallback ${fallbackService}`;
  const known = withService.tasks;
  const rows: [string, string, string, string][] = [
    ['right', ofCount(right + outOfScope.refused, tasks), percent(accuracy), ''],
    [
      '  tasks with a service',
      ofCount(right, known),
      percentOf(right, known),
      `${wrong} to another service, ${refused} refused`,
    ],
    ['    best candidate', ofCount(first, known), percentOf(first, known), 'whatever the confidence'],
    ['    in the best three', ofCount(firstThree, known), percentOf(firstThree, known), ''],
    [
      '  out of scope, refused',
      ofCount(outOfScope.refused, outOfScope.tasks),
      percentOf(outOfScope.refused, outOfScope.tasks),
      '',
    ],
  ];
  const head = `${tasks} tasks, threshold ${confidenceThreshold}, ${fallback}`;
  return [...wrapToWidth(onOneLine(head), columns), '', plainTable(rows, columns)].join('\n');
}

/** The steps of a tenth, and the present threshold when it is one of the others. */
function chart(
  { thresholds, confidenceThreshold, bestThreshold }: RoutingEvaluation,
  columns: number,
): string {
  const isPresent = ({ threshold }: ThresholdFigures) => threshold === confidenceThreshold;
  const rows = thresholds
    .filter((figures, step) => step % 2 === 0 || isPresent(figures))
    .map((figures) => [
      `${figures.threshold.toFixed(2)}${isPresent(figures) ? ' ←' : ''}`,
      barOf(figures.coverage),
      barOf(figures.accuracy),
      percent(figures.refused),
    ]);
  const head = ['threshold', 'coverage', 'accuracy of what is covered', 'refused'];
  const best =
    bestThreshold === null
      ? []
      : [
          `best: ${bestThreshold.threshold.toFixed(2)} (right ${percent(bestThreshold.right)}, refused ${percent(bestThreshold.refused)})`,
        ];
  return [table(head, rows, columns), ...best].join('\n');
}

/** The worst first: that is where there is something to do. */
function serviceTable(services: readonly ServiceEvaluation[], columns: number): string {
  const shareOr1 = (share: number | null) => share ?? 1;
  const sorted = [...services].sort(
    (a, b) => shareOr1(a.recall) - shareOr1(b.recall) || shareOr1(a.precision) - shareOr1(b.precision),
  );
  const rows = sorted
    .slice(0, MOST_SERVICES)
    .map(({ service, tasks, matched, recall, precision, examples }) => [
      service,
      String(tasks),
      percent(recall),
      String(matched),
      percent(precision),
      String(examples),
    ]);
  const head = ['service', 'tasks', 'recall', 'matched', 'precision', 'examples'];
  const more = services.length - rows.length;
  return [
    table(head, rows, columns, [WIDEST_SERVICE]),
    ...(more > 0 ? [`… and ${more} more (--json shows all)`] : []),
  ].join('\n');
}

function confusionTable(confusions: readonly Confusion[], columns: number): string {
  if (confusions.length === 0) return '';
  const rows = confusions
    .slice(0, MOST_CONFUSIONS)
    .map(({ expected, got, tasks, terms }) => [
      expected ?? '(no service)',
      got ?? '(refused)',
      String(tasks),
      terms.join(', '),
    ]);
  const head = ['belongs to', 'went to', 'tasks', 'because of'];
  const more = confusions.length - rows.length;
  return [
    table(head, rows, columns, [WIDEST_SERVICE, WIDEST_SERVICE]),
    ...(more > 0 ? [`… and ${more} more pairs (--json shows all)`] : []),
  ].join('\n');
}

function advice({ advice: all }: RoutingEvaluation, columns: number): string {
  if (all.length === 0) return 'Nothing to add: every task was decided right.';
  const lines = all.flatMap(({ text }) =>
    wrapToWidth(onOneLine(text), columns - 2).map((line, at) => `${at === 0 ? '- ' : '  '}${line}`),
  );
  return ['What to add', ...lines].join('\n');
}

/** Columns without a heading; leading spaces, which show what belongs to what, stay. */
function plainTable(rows: readonly (readonly string[])[], columns: number): string {
  const widthOf = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widthOf(column))).join('  '))
    .map((line) => [...line.trimEnd()].slice(0, columns).join(''))
    .join('\n');
}

function ofCount(part: number, whole: number): string {
  return `${part} of ${whole}`;
}

function barOf(share: number | null): string {
  return share === null ? '' : `${bar(share)} ${percent(share)}`;
}

function percentOf(part: number, whole: number): string {
  return percent(whole === 0 ? null : part / whole);
}

/** A dash where nothing was counted. */
function percent(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)} %`;
}
