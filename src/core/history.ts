import * as z from 'zod';
import { misuse } from './errors.js';
import { HistoryCheck } from './history-check.js';
import { type HistoryCut, historyCutSchema } from './history-cut.js';
import {
  type HistoryEvent,
  type HistoryLimits,
  type HistoryReport,
  historyEventSchema,
  historyLimitsSchema,
} from './history-event.js';

/**
 * Reads the history of a run (its {@link RuntimeEvent}s, one JSON object a line) and judges it by the invariants that a
 * history alone can tell: I1 to I6, I9 and I10. That a slot stayed free (I7) or a cancel was slow (I8) leaves no trace
 * among the events.
 */

/**
 * Judges a list of events. Pure; linear in the number of events.
 *
 * @param cut - How things stood before the first event, when it is not the first of the run.
 */
export function checkHistory(
  events: Iterable<HistoryEvent>,
  limits: HistoryLimits = {},
  cut: HistoryCut | null = null,
): HistoryReport {
  const check = new HistoryCheck(limits, cut);
  for (const event of events) check.take(event);
  return check.report();
}

/** A history as read from a file. */
export interface History {
  readonly events: readonly HistoryEvent[];
  readonly limits: HistoryLimits;
  /** How things stood before the first event; null when nothing had happened. */
  readonly cut: HistoryCut | null;
  /** The last line was not written to its end: the process died. It is left out. */
  readonly isTorn: boolean;
}

/**
 * Reads a history: JSON objects, one a line; empty lines are skipped. A first line `{ "type": "limits", … }` holds the
 * limits of the run. A line `{ "type": "cut", … }` before the first event holds the state there. Events of an unknown type are skipped, so that a history of a later version can be read.
 *
 * @throws TypeError naming the line that is no event.
 */
export function parseHistory(text: string): History {
  const events: HistoryEvent[] = [];
  let limits: HistoryLimits = {};
  let cut: HistoryCut | null = null;
  let number = 0;
  const lines = text.split('\n');
  const isTorn = isCutOff(lines.at(-1) as string);
  if (isTorn) lines.pop();
  for (const line of lines) {
    number += 1;
    const fact = parseHistoryLine(line, number);
    if (fact.kind === 'limits') limits = fact.limits;
    else if (fact.kind === 'event') events.push(fact.event);
    else if (fact.kind === 'cut') {
      if (events.length > 0 || cut !== null) throw cutIsLate(number);
      cut = fact.cut;
    }
  }
  return { events, limits, cut, isTorn };
}

/** What one line of a history says; `nothing` is an empty line, `unknown` a fact of a later version. */
export type HistoryLine =
  | { readonly kind: 'limits'; readonly limits: HistoryLimits }
  | { readonly kind: 'cut'; readonly cut: HistoryCut }
  | { readonly kind: 'event'; readonly event: HistoryEvent }
  | { readonly kind: 'unknown' | 'nothing' };

/**
 * Reads one line, for histories that are too long to be held as one text. Where a line may stand is not its concern.
 *
 * @param number - Of the line, from 1, for the error.
 * @throws TypeError when the line is no event.
 */
export function parseHistoryLine(line: string, number: number): HistoryLine {
  if (line.trim() === '') return { kind: 'nothing' };
  const value = parseLine(line, number);
  const { type, ...rest } = value;
  if (type === 'limits') return { kind: 'limits', limits: parsed(historyLimitsSchema, rest, number) };
  if (type === 'cut') return { kind: 'cut', cut: parsed(historyCutSchema, rest, number) };
  if (!KNOWN_TYPES.has(type)) return { kind: 'unknown' };
  return { kind: 'event', event: parsed(historyEventSchema, value, number) };
}

/** A history says how it begins before its first event, and once. */
export function cutIsLate(number: number): TypeError {
  return misuse(
    `Line ${number} of the history says how it begins, which only a line before the first event can.`,
  );
}

/** Whether the last line was not written to its end: every line ends with a line end once it is written. */
export function isCutOff(last: string): boolean {
  if (!last.startsWith('{')) return false;
  try {
    JSON.parse(last);
    return false;
  } catch {
    return true;
  }
}

const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'submitted',
  'queued',
  'moved',
  'reprioritised',
  'started',
  'abandoned',
  'ended',
  'backoff',
  'settled',
  'circuit',
  'rate_limit',
  'resized',
  'restaffed',
]);

const lineSchema = z.looseObject({ type: z.string() });

function parseLine(line: string, number: number): z.output<typeof lineSchema> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw misuse(`Line ${number} of the history is no JSON (${message}); each line holds one event.`);
  }
  return parsed(lineSchema, value, number);
}

function parsed<S extends z.ZodType>(schema: S, value: unknown, number: number): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw misuse(`Line ${number} of the history is no event:\n${z.prettifyError(result.error)}`);
}
