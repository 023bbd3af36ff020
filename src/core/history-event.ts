import * as z from 'zod';

/** What the run was allowed; what is left out is not checked. */
export const historyLimitsSchema = z.strictObject({
  maxParallel: z.number().min(1).optional().describe('Most attempts at once; the highest value of the run.'),
  concurrency: z
    .record(z.string(), z.number().min(1))
    .optional()
    .describe('Most attempts at once by service, abandoned ones included.'),
  maxRetries: z.number().min(0).optional().describe('Most further attempts of a task.'),
  retryBudgetRatio: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Share of a service's open tasks that may be retries."),
  deadlineSeconds: z.number().positive().optional().describe('Limit of a whole task, in seconds.'),
  tasks: z
    .record(
      z.string(),
      z.strictObject({
        maxRetries: z.number().min(0).optional(),
        deadlineSeconds: z.number().positive().optional(),
      }),
    )
    .optional()
    .describe('Limits of single tasks, by id, in place of those of the run.'),
  graceMs: z
    .number()
    .min(0)
    .optional()
    .describe('How late a deadline may be answered, in milliseconds; default 50.'),
  restaffed: z
    .array(z.string())
    .optional()
    .describe(
      'Services that were replaced in the run: what ran on the old one does not count for the other.',
    ),
  isComplete: z
    .boolean()
    .optional()
    .describe('The run was closed: every task must be settled. Default false.'),
});

/** What a run was allowed. */
export type HistoryLimits = z.output<typeof historyLimitsSchema>;

const atMs = z.number();
const taskId = z.string();
const service = z.string();
const attempt = z.number();

/** The fields of a {@link RuntimeEvent} that the check reads. */
export const historyEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('submitted'),
    atMs,
    taskId,
    priority: z.number(),
    maxRetries: z.number().optional(),
    deadlineMs: z.number().nullable().optional(),
    attempts: z.number().optional(),
  }),
  z.object({ type: z.literal('handed_over'), atMs, taskId, service: service.nullable() }),
  z.object({ type: z.literal('queued'), atMs, taskId, service }),
  z.object({ type: z.literal('moved'), atMs, taskId, service }),
  z.object({ type: z.literal('reprioritised'), atMs, taskId, priority: z.number() }),
  z.object({
    type: z.literal(['started', 'abandoned', 'ended']),
    atMs,
    taskId,
    service,
    instance: z.string(),
    attempt,
  }),
  z.object({
    type: z.literal('backoff'),
    atMs,
    taskId,
    service,
    attempt,
    delayMs: z.number(),
    errorCode: z.string().optional(),
  }),
  z.object({
    type: z.literal('settled'),
    atMs,
    taskId,
    service: service.nullable().optional(),
    status: z.string(),
    result: z.object({ attempts: z.number(), errorCode: z.string().nullable() }),
  }),
  z.object({ type: z.literal('circuit'), atMs, service, state: z.enum(['open', 'closed']) }),
  z.object({ type: z.literal('rate_limit'), atMs, isLimited: z.boolean() }),
  z.object({ type: z.literal('resized'), atMs, service: service.nullable(), limit: z.number().nullable() }),
  z.object({ type: z.literal('restaffed'), atMs, service }),
]);

/** The types of events that this version knows. */
export const HISTORY_EVENT_TYPES: ReadonlySet<string> = new Set(
  historyEventSchema.options.flatMap(({ shape }): string[] => [...shape.type.values]),
);

/** One event of a history. Every `RuntimeEvent` is one. */
export type HistoryEvent = z.output<typeof historyEventSchema>;

/** A rule that a history breaks. */
export interface Violation {
  /** I1 to I10 as in docs/RELIABILITY.md. */
  readonly invariant: string;
  readonly taskId?: string;
  /** The clock's milliseconds. */
  readonly atMs: number;
  readonly text: string;
}

/** The judgement of a history. */
export interface HistoryReport {
  /** Events read. */
  readonly events: number;
  /** Facts that were told before the history begins, as far as it says; they are not judged. */
  readonly dropped: number;
  /** Tasks submitted, those included that were open where the history begins. */
  readonly tasks: number;
  /** Tasks among them that are not settled at the end. */
  readonly unsettled: number;
  readonly violations: readonly Violation[];
}
