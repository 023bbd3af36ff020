import * as z from 'zod';
import { misuse } from './errors.js';
import { type HistoryCut, historyCutSchema } from './history-cut.js';
import {
  HISTORY_EVENT_TYPES,
  type HistoryEvent,
  type HistoryLimits,
  historyEventSchema,
  historyLimitsSchema,
} from './history-event.js';

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
  if (!HISTORY_EVENT_TYPES.has(type)) return { kind: 'unknown' };
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
