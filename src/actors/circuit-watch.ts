import type { Clock, Log } from '../core/environment.js';
import type { Crew } from './crew.js';
import type { Deadlines } from './deadlines.js';
import type { Ledger } from './ledger.js';
import type { Placement } from './placement.js';

/** How long abandoned attempts may hold all instances of a service before its circuit opens, in milliseconds. */
const HELD_GRACE_MS = 1000;
/** Actors of one service that may die of defects within {@link CRASH_WINDOW_MS}; one more opens its circuit. */
const MOST_CRASHES = 5;
const CRASH_WINDOW_MS = 60_000;

/**
 * Owns: what follows when a circuit opens or closes. Talks to: the instances of the crew (by events), placement (its
 * waiting tasks move on), the deadlines (the time of the probe).
 */
export class CircuitWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #deadlines: Deadlines;
  readonly #ledger: Ledger;
  readonly #placement: Placement;

  constructor(
    ports: { readonly clock: Clock; readonly log: Log; readonly deadlines: Deadlines },
    ledger: Ledger,
    placement: Placement,
  ) {
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#deadlines = ports.deadlines;
    this.#ledger = ledger;
    this.#placement = placement;
  }

  /** The circuit changed; the breaker knows already. */
  changed(crew: Crew, state: 'open' | 'closed'): void {
    // An instance that is busy learns of it when it is released.
    const type = state === 'open' ? 'CIRCUIT_OPENED' : 'CIRCUIT_CLOSED';
    for (const { actor } of crew.instances) actor?.send({ type });
    this.#ledger.tell({ type: 'circuit', atMs: this.#clock.now(), service: crew.name, state });
    this.forget(crew);
    const { probesAtMs } = crew.circuit;
    if (state === 'closed' || probesAtMs === null || crew.isRetired) return;
    this.#log.warn({ service: crew.name }, 'a circuit opened');
    // A service's own words may repeat the task: they stay below what operators keep.
    this.#log.debug({ service: crew.name, lastError: crew.lastError }, 'the failure that opened a circuit');
    // Expiring it does nothing by itself: the tick that did it dispatches.
    crew.probe = { dueMs: probesAtMs, heapIndex: -1, expire: () => {} };
    this.#deadlines.add(crew.probe);
    this.#placement.evacuate(crew);
  }

  /** Closes the circuit at an operator's word: failures are forgotten, a probe that is out has no verdict any more. */
  reset(crew: Crew): void {
    const wasClosed = crew.circuit.state === 'closed';
    crew.circuit.reset();
    if (!wasClosed) this.changed(crew, 'closed');
  }

  /** An instance's actor died of a defect. When that goes on and on the service is taken out for a while. */
  crashed(crew: Crew): void {
    const nowMs = this.#clock.now();
    crew.crashesAtMs = [...crew.crashesAtMs.filter((atMs) => nowMs - atMs < CRASH_WINDOW_MS), nowMs];
    const { length } = crew.crashesAtMs;
    if (length <= MOST_CRASHES || crew.isRetired || crew.circuit.state === 'open') return;
    crew.lastError = `${length} instances died of defects within ${CRASH_WINDOW_MS / 1000} s.`;
    crew.circuit.open(nowMs);
    this.changed(crew, 'open');
  }

  /** Drops the time of the next probe. */
  forget(crew: Crew): void {
    if (crew.probe) this.#deadlines.remove(crew.probe);
    crew.probe = null;
  }

  /**
   * An abandoned attempt holds its instance. When such attempts hold every instance for a while the circuit opens:
   * nothing could start there anyway.
   */
  held(crew: Crew): void {
    this.#ledger.countAbandoned(crew, 1);
    if (crew.held !== null || crew.abandoned < crew.concurrency || crew.circuit.state !== 'closed') return;
    const expire = (nowMs: number): void => {
      crew.held = null;
      if (crew.isRetired || crew.abandoned < crew.concurrency || crew.circuit.state !== 'closed') return;
      crew.lastError = `All ${crew.concurrency} instances are held by attempts that ignore their signal.`;
      crew.circuit.open(nowMs);
      this.changed(crew, 'open');
    };
    crew.held = { dueMs: this.#clock.now() + HELD_GRACE_MS, heapIndex: -1, expire };
    this.#deadlines.add(crew.held);
  }

  /** The code of an abandoned attempt ended: not every instance is held any more. */
  noLongerHeld(crew: Crew): void {
    this.#ledger.countAbandoned(crew, -1);
    if (crew.held) this.#deadlines.remove(crew.held);
    crew.held = null;
  }
}
