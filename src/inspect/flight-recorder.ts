import { misuse } from '../core/errors.js';
import type { RuntimeEvent } from '../core/events.js';
import type { HistoryCut } from '../core/history-cut.js';
import type { HistoryLimits } from '../core/history-event.js';
import { limitsAfter } from '../core/history-limits.js';
import { HistoryState } from '../core/history-state.js';
import { limitsOf, type RecordedOrchestrator, withoutTexts } from './history-lines.js';

/**
 * Owns: the latest facts, in a ring, and the state before the first of them. Talks to: the orchestrator, whose events it
 * hears.
 *
 * Invariants
 * - L1 State and facts fit together at any moment: a fact that falls out of the ring goes into the state.
 * - L2 It holds at most `keepEvents` facts, and of the run before no more than the tasks that were open.
 * - L3 It holds no text of a task, an error or a result.
 */

/** Keeps the latest facts of a run, so that they can be read after something went wrong. */
export interface FlightRecorder {
  /** Facts that it holds. */
  readonly kept: number;
  /** Facts that fell out before them. */
  readonly dropped: number;
  /**
   * The latest facts as a history: JSON objects, one a line; first the limits of the run, then how things stood before the
   * first fact. `gaffr doctor` judges it, `gaffr replay` shows it. Everything is taken at once: nothing changes meanwhile.
   *
   * @param reason - Why it is written; stands in the history. Default `asked for`.
   */
  toNdjson(reason?: string): string;
  /** Stops recording; what was recorded can still be read. */
  stop(): void;
}

/** Facts that are kept unless said otherwise: of some 2,500 tasks, about 3 MB. */
export const DEFAULT_KEEP_EVENTS = 10_000;

type Fact = ReturnType<typeof withoutTexts>;

/**
 * Records the latest facts of an orchestrator from now on. Best made together with the orchestrator: of tasks that are
 * under way already it knows nothing.
 *
 * @throws TypeError unless `keepEvents` is a whole number of at least 1.
 * @example
 * const recorder = createFlightRecorder(orchestrator, { keepEvents: 10_000 });
 * process.on('SIGUSR2', () => writeFileSync('history.ndjson', recorder.toNdjson('SIGUSR2')));
 */
export function createFlightRecorder(
  orchestrator: RecordedOrchestrator,
  { keepEvents = DEFAULT_KEEP_EVENTS, now = () => performance.now() }: FlightRecorderOptions = {},
): FlightRecorder {
  if (!Number.isSafeInteger(keepEvents) || keepEvents < 1) {
    throw misuse(`keepEvents must be a whole number of at least 1; got ${keepEvents}.`);
  }
  const { running, queued, retrying, abandoned } = orchestrator.stats();
  const recording = new Recording(keepEvents, limitsOf(orchestrator));
  const onEvent = (event: RuntimeEvent): void => recording.add(withoutTexts(event));
  orchestrator.on('event', onEvent);
  return {
    get kept() {
      return recording.kept;
    },
    get dropped() {
      return recording.dropped;
    },
    toNdjson: (reason = 'asked for') =>
      recording.toNdjson({
        unknown: running + queued + retrying + abandoned,
        writtenAt: new Date().toISOString(),
        writtenAtMs: now(),
        reason,
      }),
    stop: () => void orchestrator.off('event', onEvent),
  };
}

/** Options of {@link createFlightRecorder}. */
export interface FlightRecorderOptions {
  /** Most facts that are kept, 1 or more. Default 10,000. */
  readonly keepEvents?: number;
  /** The clock of the orchestrator's facts, in milliseconds. Default: the real one. */
  readonly now?: () => number;
}

class Recording {
  readonly #capacity: number;
  readonly #ring: Fact[] = [];
  readonly #before = new HistoryState();
  #limits: HistoryLimits;
  #count = 0;

  constructor(capacity: number, limits: HistoryLimits) {
    this.#capacity = capacity;
    this.#limits = limits;
  }

  get kept(): number {
    return this.#ring.length;
  }

  get dropped(): number {
    return this.#count - this.#ring.length;
  }

  add(fact: Fact): void {
    const index = this.#count % this.#capacity;
    const oldest = this.#ring[index];
    if (oldest !== undefined) this.#forget(oldest);
    this.#ring[index] = fact;
    this.#count += 1;
  }

  toNdjson(about: Omit<HistoryCut, 'dropped' | 'state'>): string {
    const { dropped } = this;
    const first = dropped === 0 ? 0 : this.#count % this.#capacity;
    const facts = [...this.#ring.slice(first), ...this.#ring.slice(0, first)];
    const cut: HistoryCut = { dropped, ...about, state: this.#before.toJSON() };
    const lines = [{ type: 'limits', ...this.#limits }, { type: 'cut', ...cut }, ...facts];
    return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  }

  #forget(fact: Fact): void {
    if (fact.type === 'resized' || fact.type === 'restaffed') this.#limits = limitsAfter(this.#limits, fact);
    else this.#before.advance(fact);
  }
}
