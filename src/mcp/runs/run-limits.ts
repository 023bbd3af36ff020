import * as z from 'zod';
import { misuse } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';
import { explainArguments } from '../explain-arguments.js';

/** Longest wait of one call, in seconds: the official clients give up after 60. */
export const MOST_WAIT_SECONDS = 50;

const MIB = 1024 * 1024;
const count = () => z.number().int().min(1);
const seconds = () => z.number().min(0);

/** Every limit of runs, with its default. */
const runLimitsSchema = lazySchema(() =>
  z.strictObject({
    waitSeconds: seconds()
      .max(MOST_WAIT_SECONDS)
      .default(45)
      .describe('How long a call waits for the end of its work when it says nothing else.'),
    taskAfterSeconds: seconds()
      .max(MOST_WAIT_SECONDS)
      .default(1)
      .describe(
        'How long a call of a client with the Tasks extension waits before it is answered with a task.',
      ),
    running: count().default(40_000).describe('Runs under way; beyond it a call is refused with QUEUE_FULL.'),
    runningBytes: count()
      .default(128 * MIB)
      .describe('Arguments of the runs under way; beyond it a call is refused with QUEUE_FULL.'),
    finished: count().default(1000).describe('Ended runs that are kept; beyond it the oldest one goes.'),
    told: count()
      .default(100)
      .describe(
        'Of these, runs without a key whose end was answered already; beyond it the oldest one goes.',
      ),
    finishedBytes: count()
      .default(64 * MIB)
      .describe('Results of the ended runs that are kept; beyond it the oldest one goes.'),
    keptSeconds: z.number().positive().default(3600).describe('How long an ended run is kept.'),
    rejoinSeconds: seconds()
      .default(30)
      .describe('How long a run with an idempotencyKey goes on after its connection was lost.'),
  }),
);

export type RunLimits = z.output<typeof runLimitsSchema>;
/** Limits that a host sets; the others have their default. */
export type RunLimitsInput = z.input<typeof runLimitsSchema>;

/** Checks limits and fills in the defaults. @throws TypeError that names the limit, the rule and the value. */
export function parseRunLimits(limits: RunLimitsInput = {}): RunLimits {
  const parsed = runLimitsSchema.safeParse(limits);
  if (parsed.success) return parsed.data;
  throw misuse(`Limits of runs are not valid:\n${explainArguments(parsed.error)}`);
}
