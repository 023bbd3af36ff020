import type { Clock } from '../../core/environment.js';
import { sizeUpTo } from '../../core/size.js';
import type { Run } from './run.js';
import type { RunLimits } from './run-limits.js';

/** How often runs that have been kept long enough are looked for, at least, in milliseconds. */
const SWEEP_MS = 60_000;
/** Bytes that are counted for a run beside its text and its result. */
const BASE_BYTES = 2048;

interface Share {
  /** Whose end nobody was told yet. */
  readonly owed: Set<Run>;
  readonly told: Set<Run>;
  bytes: number;
}

/**
 * The runs that have ended and are kept.
 *
 * Owns: which they are, by principal, and one timer. Invariants:
 * - L1 they keep to `finished`, `told` and `finishedBytes`, and none stays longer than `keptSeconds`;
 * - L2 when one has to go it is one whose end was told before one that somebody may still come for, and the oldest of the
 *   principal that has most: so many short calls push out neither a long one nor another's.
 */
export class FinishedRuns {
  readonly #limits: RunLimits;
  readonly #clock: Clock;
  readonly #onDropped: (run: Run) => void;
  readonly #shares = new Map<string | null, Share>();
  #count = 0;
  #told = 0;
  #bytes = 0;
  #sweep: unknown;

  /** @param onDropped - Told of each run that is kept no longer. */
  constructor(limits: RunLimits, clock: Clock, onDropped: (run: Run) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Keeps a run that has ended. */
  add(run: Run): void {
    run.keptBytes = sizeOf(run, this.#limits.finishedBytes);
    let share = this.#shares.get(run.principal);
    if (share === undefined) {
      share = { owed: new Set(), told: new Set(), bytes: 0 };
      this.#shares.set(run.principal, share);
    }
    if (run.isTold) this.#addTold(share, run);
    else share.owed.add(run);
    share.bytes += run.keptBytes;
    this.#bytes += run.keptBytes;
    this.#count += 1;
    this.#keepLimits();
    if (this.#sweep === undefined && this.#count > 0) this.#scheduleSweep();
  }

  /** Somebody has been given the end of a run. */
  markTold(run: Run): void {
    const share = this.#shares.get(run.principal);
    if (!share?.owed.delete(run)) return;
    this.#addTold(share, run);
    this.#keepLimits();
  }

  /** Whether a run has been kept as long as it may. */
  isOverdue(run: Run): boolean {
    return this.#clock.now() - run.changedAtMs >= this.#limits.keptSeconds * 1000;
  }

  close(): void {
    this.#clock.clearTimeout(this.#sweep);
    this.#sweep = undefined;
  }

  #addTold(share: Share, run: Run): void {
    share.told.add(run);
    this.#told += 1;
  }

  #keepLimits(): void {
    const { finished, finishedBytes, told } = this.#limits;
    while (this.#told > told) this.#dropOldest('told');
    while (this.#count > finished || this.#bytes > finishedBytes) {
      this.#dropOldest(this.#told > 0 ? 'told' : 'owed');
    }
  }

  /** Drops the oldest run of a kind, of the principal that has most of it. */
  #dropOldest(kind: 'told' | 'owed'): void {
    let largest: Share | undefined;
    for (const share of this.#shares.values()) {
      if (share[kind].size === 0) continue;
      if (largest === undefined || this.#weightOf(share) > this.#weightOf(largest)) largest = share;
    }
    const [oldest] = largest?.[kind] ?? [];
    if (oldest !== undefined) this.#drop(oldest);
  }

  #weightOf({ owed, told, bytes }: Share): number {
    return (owed.size + told.size) / this.#limits.finished + bytes / this.#limits.finishedBytes;
  }

  #drop(run: Run): void {
    const share = this.#shares.get(run.principal);
    if (share === undefined) return;
    if (share.told.delete(run)) this.#told -= 1;
    else if (!share.owed.delete(run)) return;
    this.#count -= 1;
    this.#bytes -= run.keptBytes;
    share.bytes -= run.keptBytes;
    if (share.owed.size + share.told.size === 0) this.#shares.delete(run.principal);
    this.#onDropped(run);
  }

  #scheduleSweep(): void {
    this.#sweep = this.#clock.setTimeout(
      () => {
        this.#sweep = undefined;
        const kept = [...this.#shares.values()].flatMap(({ owed, told }) => [...owed, ...told]);
        for (const run of kept) if (this.isOverdue(run)) this.#drop(run);
        if (this.#count > 0) this.#scheduleSweep();
      },
      Math.min(this.#limits.keptSeconds * 1000, SWEEP_MS),
    );
    // A result that is kept keeps no process alive.
    (this.#sweep as { unref?: () => void }).unref?.();
  }
}

/** About what a run takes: results are counted, routes and details of one task are not, which have limits of their own. */
function sizeOf(run: Run, limitBytes: number): number {
  const { answer, wholeJson } = run.end ?? {};
  const { result, results } = answer?.structuredContent ?? {};
  const resultBytes = typeof result === 'string' ? result.length : sizeUpTo(results ?? result, limitBytes);
  return BASE_BYTES + (answer?.text.length ?? 0) + resultBytes + (wholeJson?.length ?? 0);
}
