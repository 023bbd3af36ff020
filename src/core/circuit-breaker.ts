/**
 * Owns: whether calls to one service make sense just now. Talks to nobody; time comes in with each call.
 *
 * Invariants
 * - L1 An outcome counts only in the period (epoch) in which its attempt began; each change of state begins a period.
 * - L2 While half open at most one probe is out; a probe without a verdict makes room for the next one.
 * - L3 Probing never stops: an open circuit always has a time of its next probe.
 */

/** When a circuit opens and how long it stays open. */
export interface CircuitPolicy {
  /** Failures in a row that open it; so do as many, and at least half, among the last {@link WINDOW} outcomes. */
  readonly failures: number;
  /** First cool-down, in milliseconds; it doubles with each bad probe. */
  readonly cooldownMs: number;
  /** Longest cool-down, in milliseconds. */
  readonly cooldownCapMs: number;
}

/** Outcomes that are remembered, at most for {@link WINDOW_MS}. */
const WINDOW = 20;
const WINDOW_MS = 30_000;
/** Fewer failures among them open no circuit unless they come in a row. */
const LEAST_IN_WINDOW = WINDOW / 2;

/** `half_open`: one probe is out. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** The circuit breaker of one service. Only transport failures, crashes and timeouts are to be told to it. */
export class CircuitBreaker {
  readonly #policy: CircuitPolicy;
  readonly #failedAtMs = new Float64Array(WINDOW).fill(Number.NEGATIVE_INFINITY);
  #next = 0;
  #inARow = 0;
  #state: CircuitState = 'closed';
  #epoch = 0;
  #cooldownMs: number;
  #probesAtMs = 0;

  constructor(policy: CircuitPolicy) {
    this.#policy = policy;
    this.#cooldownMs = policy.cooldownMs;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Number of the current period; an attempt remembers the one it began in. */
  get epoch(): number {
    return this.#epoch;
  }

  /** When the next probe may go out, in the clock's milliseconds; null while closed or probing. */
  get probesAtMs(): number | null {
    return this.#state === 'open' ? this.#probesAtMs : null;
  }

  /** Whether an attempt may start: closed, or the cool-down is over and no probe is out. */
  allows(nowMs: number): boolean {
    return this.#state === 'closed' || (this.#state === 'open' && nowMs >= this.#probesAtMs);
  }

  /** Lets one probe out. Call only when `allows()`. */
  beginProbe(): void {
    this.#enter('half_open');
  }

  /** The probe ended without a verdict (cancelled): the next task may probe. */
  probeWithoutVerdict(epoch: number, nowMs: number): void {
    if (this.#state !== 'half_open' || epoch !== this.#epoch) return;
    this.#enter('open');
    this.#probesAtMs = nowMs;
  }

  /** The service answered. Returns true when this closes the circuit. */
  succeeded(epoch: number): boolean {
    if (epoch !== this.#epoch) return false;
    this.#inARow = 0;
    if (this.#state === 'closed') {
      this.#failedAtMs[this.#next] = Number.NEGATIVE_INFINITY;
      this.#next = (this.#next + 1) % WINDOW;
      return false;
    }
    this.reset();
    return true;
  }

  /** The service could not be reached, crashed or was too slow. Returns true when this opens the circuit. */
  failed(epoch: number, nowMs: number): boolean {
    if (epoch !== this.#epoch || this.#state === 'open') return false;
    if (this.#state === 'half_open') {
      this.#cooldownMs = Math.min(this.#cooldownMs * 2, this.#policy.cooldownCapMs);
      this.open(nowMs);
      return true;
    }
    this.#inARow += 1;
    this.#failedAtMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % WINDOW;
    const { failures } = this.#policy;
    const isRare = this.#recentFailures(nowMs) < Math.max(failures, LEAST_IN_WINDOW);
    if (this.#inARow < failures && isRare) return false;
    this.open(nowMs);
    return true;
  }

  /** Opens the circuit whatever the outcomes were. */
  open(nowMs: number): void {
    this.#enter('open');
    this.#probesAtMs = nowMs + this.#cooldownMs;
  }

  /** Closes the circuit and forgets every outcome. */
  reset(): void {
    this.#enter('closed');
    this.#inARow = 0;
    this.#failedAtMs.fill(Number.NEGATIVE_INFINITY);
    this.#cooldownMs = this.#policy.cooldownMs;
  }

  toJSON(): object {
    return { state: this.#state, failuresInARow: this.#inARow };
  }

  #enter(state: CircuitState): void {
    this.#state = state;
    this.#epoch += 1;
  }

  #recentFailures(nowMs: number): number {
    let count = 0;
    for (const failedAtMs of this.#failedAtMs) if (nowMs - failedAtMs <= WINDOW_MS) count += 1;
    return count;
  }
}
