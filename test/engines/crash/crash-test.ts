/** What a crash test is asked for. */
export interface CrashOptions {
  readonly kills: number;
  /** Of the moments of the kills, and of the load. */
  readonly seed: number;
}

/** What a crash test found. */
export interface CrashReport {
  /** Every bound held. */
  readonly isSound: boolean;
  /** Figures, for people and programs. */
  readonly figures: Readonly<Record<string, unknown>>;
}
