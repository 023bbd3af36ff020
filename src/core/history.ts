import { HistoryCheck } from './history-check.js';
import type { HistoryCut } from './history-cut.js';
import type { HistoryEvent, HistoryLimits, HistoryReport } from './history-event.js';
import { cutIsLate, isCutOff, parseHistoryLine } from './history-line.js';

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
 * limits of the run. A line `{ "type": "cut", … }` before the first event holds the state there. Events of an unknown
 * type are skipped, so that a history of a later version can be read.
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
