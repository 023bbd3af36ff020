/** How long the latest tasks took, and how many of them succeeded. */
export interface LatencySummary {
  /** Milliseconds within which half of the tasks ended; null when none ended lately. */
  readonly p50Ms: number | null;
  /** Milliseconds within which 19 of 20 tasks ended; null when none ended lately. */
  readonly p95Ms: number | null;
  /** Share of tasks that succeeded, 0 to 1; null when none ended lately. */
  readonly successRate: number | null;
}

/** Most tasks that are looked at; those of the last {@link WINDOW_MS} among them. */
const CAPACITY = 512;
const WINDOW_MS = 60_000;

/** Owns: times and outcomes of the latest {@link CAPACITY} tasks, in rings of fixed size. */
export class Latencies {
  readonly #tookMs = new Float64Array(CAPACITY);
  readonly #endedAtMs = new Float64Array(CAPACITY).fill(Number.NEGATIVE_INFINITY);
  readonly #succeeded = new Uint8Array(CAPACITY);
  #next = 0;

  add(tookMs: number, isSuccess: boolean, nowMs: number): void {
    this.#tookMs[this.#next] = tookMs;
    this.#endedAtMs[this.#next] = nowMs;
    this.#succeeded[this.#next] = isSuccess ? 1 : 0;
    this.#next = (this.#next + 1) % CAPACITY;
  }

  summary(nowMs: number): LatencySummary {
    const recent = [...this.#endedAtMs.keys()].filter(
      (at) => nowMs - (this.#endedAtMs[at] ?? 0) <= WINDOW_MS,
    );
    if (recent.length === 0) return { p50Ms: null, p95Ms: null, successRate: null };
    const sorted = Float64Array.from(recent, (at) => this.#tookMs[at] ?? 0).sort();
    const succeeded = recent.reduce((sum, at) => sum + (this.#succeeded[at] ?? 0), 0);
    return {
      p50Ms: quantile(sorted, 0.5),
      p95Ms: quantile(sorted, 0.95),
      successRate: succeeded / recent.length,
    };
  }
}

function quantile(sorted: Float64Array, share: number): number {
  return Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) * 100) / 100;
}
