/** What a run sent and heard. */
export interface Tally {
  readonly inputs: number;
  /** Answers to requests; most inputs are none. */
  readonly answers: number;
  /** How often each status came, over HTTP. */
  readonly statuses?: Readonly<Record<number, number>>;
}
