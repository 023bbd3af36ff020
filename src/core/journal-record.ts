import * as z from 'zod';

/** What a journal of tasks holds. Times are milliseconds of the wall clock: they outlive the process. */

const id = z.string();
const limitMs = z.number().nullable();

const acceptedSchema = z.object({
  kind: z.literal('accepted'),
  id,
  atMs: z.number(),
  text: z.string(),
  service: z.string().nullable(),
  kwargs: z.record(z.string(), z.unknown()).nullable(),
  priority: z.number(),
  timeoutMs: z.number(),
  queueTimeoutMs: limitMs,
  deadlineMs: limitMs,
  maxRetries: z.number(),
  key: z.string().nullable(),
});

const startedSchema = z.object({
  kind: z.literal('started'),
  id,
  attempts: z.number(),
  service: z.string(),
  /** How often the process died during its attempts, as far as is known. */
  crashes: z.number(),
});

/** An attempt ended, and another is to follow. */
const restingSchema = z.object({ kind: z.literal('resting'), id, attempts: z.number(), crashes: z.number() });

const finishedSchema = z.object({
  kind: z.literal('finished'),
  id,
  atMs: z.number(),
  result: z.looseObject({
    taskId: z.string(),
    status: z.enum(['completed', 'failed', 'timed_out', 'cancelled', 'rejected', 'interrupted']),
    serviceName: z.string().nullable(),
    attempts: z.number(),
    errorCode: z.string().nullable(),
  }),
});

const shelvedSchema = z.object({
  kind: z.literal('shelved'),
  shelf: z.string(),
  key: z.string(),
  text: z.string(),
});
const unshelvedSchema = z.object({ kind: z.literal('unshelved'), shelf: z.string(), key: z.string() });

/** One record of a journal. */
export const journalRecordSchema = z.discriminatedUnion('kind', [
  acceptedSchema,
  startedSchema,
  restingSchema,
  finishedSchema,
  shelvedSchema,
  unshelvedSchema,
]);

export type JournalRecord = z.output<typeof journalRecordSchema>;
/** The record of an acceptance. */
export type AcceptedRecord = z.output<typeof acceptedSchema>;
/** The record of an end. */
export type FinishedRecord = z.output<typeof finishedSchema>;
