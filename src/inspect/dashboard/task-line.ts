import { shorten } from './preview.js';
import type { TaskRecordView } from './task-trail.js';

/** Letters of a task's text in a list. */
const TITLE_LENGTH = 120;

/** A task in a frame: what a list and a bar need. Times are milliseconds since the overview began. */
export interface TaskLine {
  readonly id: string;
  readonly title: string;
  readonly service: string | null;
  readonly state: string;
  readonly startMs: number;
  readonly endMs: number | null;
  /** Kind (q, a, b), start, end or null, outcome or null. */
  readonly spans: readonly (readonly [
    kind: string,
    startMs: number,
    endMs: number | null,
    outcome: string | null,
  ])[];
}

/** @param since - Turns a time of the clock into one of the page. */
export function lineOf(
  { taskId, text, service, state, acceptedAtMs, end, spans }: TaskRecordView,
  since: (ms: number) => number,
): TaskLine {
  return {
    id: taskId,
    title: shorten(text.replaceAll(/\s+/g, ' ').trim(), TITLE_LENGTH),
    service,
    state,
    startMs: since(acceptedAtMs),
    endMs: end === null ? null : since(end.atMs),
    spans: spans.map(({ kind, startMs, endMs, outcome }) => [
      kind.slice(0, 1),
      since(startMs),
      endMs === null ? null : since(endMs),
      outcome,
    ]),
  };
}
