import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { misuse } from '../../core/errors.js';
import type { HistoryCut } from '../../core/history-cut.js';
import type { HistoryEvent, HistoryLimits } from '../../core/history-event.js';
import { limitsAfter } from '../../core/history-limits.js';
import { cutIsLate, isCutOff, parseHistoryLine } from '../../core/history-line.js';
import { HistoryState } from '../../core/history-state.js';

/**
 * Reads a history line by line, so that a file of any length can be shown: of a long one the latest facts are kept, and
 * what came before them is folded into the state that it led to.
 */

/** A history that can be shown. */
export interface Recording {
  /** Never empty. */
  readonly events: readonly HistoryEvent[];
  /** What was allowed at the first of these events. */
  readonly limits: HistoryLimits;
  /** How things stood before the first of these events; null when nothing had happened. */
  readonly cut: Pick<HistoryCut, 'state'> | null;
  /** What is added to the clock's milliseconds for those of the epoch; null when the history does not say. */
  readonly epochOffsetMs: number | null;
  /** What is left out, in sentences for people. */
  readonly notices: readonly string[];
}

/** Facts that are kept unless said otherwise: some 120,000 tasks, and 250 MB of memory. */
const DEFAULT_REPLAY_EVENTS = 500_000;

/** Longest line, in characters. The longest honest one holds the open tasks of a flight recorder. */
const LONGEST_LINE = 64 * 1024 * 1024;

/**
 * @param path - An NDJSON file that `--history` or a flight recorder wrote, or is writing.
 * @param keepEvents - Most facts that are kept, 1 or more.
 * @throws TypeError naming the line that is no fact, or saying that there is none.
 * @throws Error when the file cannot be read.
 */
export async function readRecording(
  path: string,
  { keepEvents = DEFAULT_REPLAY_EVENTS }: { readonly keepEvents?: number } = {},
): Promise<Recording> {
  // Reading from a pipe or a device might never end.
  if (!(await stat(path)).isFile()) throw misuse('It is no file.');
  const reader = new RecordingReader(keepEvents);
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) reader.take(line);
    if (rest.length > LONGEST_LINE) {
      throw misuse(
        `Line ${reader.lines + 1} is longer than ${LONGEST_LINE} characters; each line of a history holds one event.`,
      );
    }
  }
  const isTorn = isCutOff(rest);
  if (!isTorn) reader.take(rest);
  return reader.recording(isTorn);
}

/** Owns: the latest facts in a ring, and the state before the first of them. */
class RecordingReader {
  readonly #capacity: number;
  readonly #ring: HistoryEvent[] = [];
  #limits: HistoryLimits = {};
  #cut: HistoryCut | null = null;
  #before: HistoryState | null = null;
  #count = 0;
  #unknown = 0;
  lines = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  take(line: string): void {
    this.lines += 1;
    const said = parseHistoryLine(line, this.lines);
    if (said.kind === 'limits') this.#limits = said.limits;
    else if (said.kind === 'event') this.#add(said.event);
    else if (said.kind === 'unknown') this.#unknown += 1;
    else if (said.kind === 'cut') {
      if (this.#count > 0 || this.#cut !== null) throw cutIsLate(this.lines);
      this.#cut = said.cut;
    }
  }

  recording(isTorn: boolean): Recording {
    if (this.#count === 0) {
      throw misuse(
        `It holds no fact of any task (lines read: ${this.lines}); gaffr run, serve and dashboard write a history with --history FILE.`,
      );
    }
    const first = this.#count > this.#capacity ? this.#count % this.#capacity : 0;
    const state = this.#before?.toJSON() ?? this.#cut?.state;
    return {
      events: [...this.#ring.slice(first), ...this.#ring.slice(0, first)],
      limits: this.#limits,
      cut: state === undefined ? null : { state },
      epochOffsetMs: this.#cut === null ? null : epochOffset(this.#cut),
      notices: this.#notices(isTorn),
    };
  }

  #add(event: HistoryEvent): void {
    const place = this.#count % this.#capacity;
    const oldest = this.#ring[place];
    if (oldest !== undefined) this.#forget(oldest);
    this.#ring[place] = event;
    this.#count += 1;
  }

  #forget(event: HistoryEvent): void {
    this.#before ??= new HistoryState(this.#cut?.state);
    this.#before.advance(event);
    if (event.type === 'resized' || event.type === 'restaffed')
      this.#limits = limitsAfter(this.#limits, event);
  }

  #notices(isTorn: boolean): string[] {
    const folded = Math.max(0, this.#count - this.#capacity);
    const { dropped = 0, unknown = 0 } = this.#cut ?? {};
    const facts = (count: number): string => `${count.toLocaleString('en')} fact${count === 1 ? '' : 's'}`;
    return [
      ...(folded > 0
        ? [
            `The file holds more than ${facts(this.#capacity)}: the first ${facts(folded)} are shown only by the state they led to; --keep-events keeps more.`,
          ]
        : []),
      ...(dropped > 0
        ? [`The recorder had dropped the first ${facts(dropped)}; the state they led to is kept.`]
        : []),
      ...(unknown > 0
        ? [`Of ${unknown} tasks that were under way when the recording began nothing is known.`]
        : []),
      ...(isTorn ? ['The last line was not written to its end, and is left out.'] : []),
      ...(this.#unknown > 0
        ? [`${facts(this.#unknown)} of a kind that this version does not know are left out.`]
        : []),
    ];
  }
}

function epochOffset({ writtenAt, writtenAtMs }: HistoryCut): number | null {
  const offset = Date.parse(writtenAt) - writtenAtMs;
  return Number.isFinite(offset) ? offset : null;
}
