/** Time as the runtime sees it: monotonic milliseconds and one-shot timers. XState's `SimulatedClock` fits. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean something. */
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
}

/** Everything the runtime takes from outside: time, randomness and ids. One seed replays a whole run. */
export interface Environment {
  readonly clock: Clock;
  /** Uniform numbers in [0, 1). */
  readonly random: () => number;
  /** A fresh task id; unique within one orchestrator, not a secret. */
  readonly createId: () => string;
}

/** Where warnings about faults of user code go; pino's `Logger` fits. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** A log that says nothing. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};
