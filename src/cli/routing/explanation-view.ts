import type { Route, RouteCandidate, RouteReason } from '../../core/route.js';
import { cutToWidth, onOneLine, table } from '../table.js';
import { wrapToWidth } from '../wrap.js';

const BAR_CELLS = 20;
const MOST_CANDIDATES = 20;
const WIDEST_SERVICE = 20;

/** Least characters for the reasons; on a narrower terminal the lines are cut. */
const LEAST_WHY = 16;

/** How wide the text may be, and the confidence from which on a candidate is taken. */
interface View {
  readonly columns: number;
  readonly confidenceThreshold: number;
}

/** A decision for people: what came out and why, then a line for each candidate with its confidence and reasons. */
export function describeRoute(route: Route, { columns, confidenceThreshold }: View): string {
  const { service, outcome, why, ranked } = route;
  const decision = wrapToWidth(onOneLine(`${service ?? 'no service'} (${outcome}): ${why}`), columns);
  if (ranked.length === 0) return decision.join('\n');
  const shown = ranked.slice(0, MOST_CANDIDATES);
  const hidden = ranked.length - shown.length;
  const heads = shown.map(({ service: name, confidence }) => [
    cutToWidth(onOneLine(name), WIDEST_SERVICE),
    `${bar(confidence, confidenceThreshold)} ${numberOf(confidence, confidenceThreshold)}`,
  ]);
  const whyWidth = Math.max(LEAST_WHY, columns - widestOf(heads, 0) - widestOf(heads, 1) - 4);
  const rows = shown.flatMap((candidate, index) =>
    wrapToWidth(reasonsOf(candidate), whyWidth).map((line, at) =>
      at === 0 ? [...(heads[index] as string[]), line] : ['', '', `  ${line}`],
    ),
  );
  return [
    ...decision,
    '',
    table(['service', 'confidence', 'why'], rows, columns),
    ...(hidden > 0 ? [`… and ${hidden} more (--json shows all)`] : []),
    `│ marks the threshold, ${confidenceThreshold}`,
  ].join('\n');
}

/**
 * A bar of a share with a mark in it. It reaches the mark exactly when the share does, whatever is lost in rounding.
 *
 * @param mark - 0 to 1; left out for a bar without a mark.
 */
export function bar(share: number, mark?: number, cells = BAR_CELLS): string {
  const full = Math.floor(Math.min(Math.max(share, 0), 1) * cells);
  if (mark === undefined) return '█'.repeat(full) + '░'.repeat(cells - full);
  const at = Math.floor(mark * cells);
  const filled = share < mark ? Math.max(0, Math.min(full, at - 1)) : full;
  const line = '█'.repeat(filled) + '░'.repeat(cells - filled);
  return `${line.slice(0, at)}│${line.slice(at)}`;
}

/** Two digits, or as many as it takes to look smaller than the threshold that it missed. */
function numberOf(confidence: number, confidenceThreshold: number): string {
  const brief = confidence.toFixed(2);
  return confidence < confidenceThreshold && Number(brief) >= confidenceThreshold
    ? String(confidence)
    : brief;
}

function widestOf(rows: readonly (readonly string[])[], column: number): number {
  return Math.max(...rows.map((row) => [...(row[column] ?? '')].length));
}

function reasonsOf({ reasons = [], strategy = '' }: RouteCandidate): string {
  const texts = reasons.length > 0 ? reasons.map(reasonText) : strategy === '' ? [] : [strategy];
  return texts.length === 0 ? '' : onOneLine(`⇐ ${texts.join(', ')}`);
}

/** A keyword with its place in the text; a term with what it adds to the similarity. */
function reasonText(reason: RouteReason): string {
  switch (reason.kind) {
    case 'keyword':
      return `${reason.keyword}@${reason.at}`;
    case 'term':
      return `${reason.term} +${reason.weight.toFixed(2)}`;
    case 'example':
      return `like "${reason.text}" ${reason.similarity.toFixed(2)}`;
    default:
      return reason.note;
  }
}
