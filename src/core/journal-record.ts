import * as z from 'zod';
import { lazySchema } from './lazy-schema.js';

/**
 * What a journal of tasks holds. Times are milliseconds of the wall clock: they outlive the process.
 *
 * A record says what happened to which task. What is long and seldom asked for (the words of a task, its result) is the
 * body of the record, a text of JSON that is read when it is wanted.
 */

const id = () => z.string();
const limitMs = () => z.number().nullable();
const crashes = () => z.number();
const attempts = () => z.number();

/** The body is a {@link TaskBody}. */
const acceptedSchema = lazySchema(() =>
  z.object({
    kind: z.literal('accepted'),
    id: id(),
    atMs: z.number(),
    /** Its place among all acceptances, from 1; earlier versions wrote none. */
    order: z.number().optional(),
    /** Its idempotency key. */
    key: z.string().nullable(),
  }),
);

/** `crashes`: how often the process died during its attempts, as far as is known. */
const startedSchema = lazySchema(() =>
  z.object({
    kind: z.literal('started'),
    id: id(),
    attempts: attempts(),
    service: z.string(),
    crashes: crashes(),
  }),
);

/** No attempt is under way, and one is to follow. */
const restingSchema = lazySchema(() =>
  z.object({ kind: z.literal('resting'), id: id(), attempts: attempts(), crashes: crashes() }),
);

/** The body is a {@link TaskResult}. */
const finishedSchema = lazySchema(() =>
  z.object({
    kind: z.literal('finished'),
    id: id(),
    atMs: z.number(),
    status: z.enum(['completed', 'failed', 'timed_out', 'cancelled', 'rejected', 'interrupted']),
    service: z.string().nullable(),
    attempts: attempts(),
    errorCode: z.string().nullable(),
  }),
);

/** The body is the text that was put there, as a string of JSON. */
const shelvedSchema = lazySchema(() =>
  z.object({ kind: z.literal('shelved'), shelf: z.string(), key: z.string() }),
);
const unshelvedSchema = lazySchema(() =>
  z.object({ kind: z.literal('unshelved'), shelf: z.string(), key: z.string() }),
);

/** One record of a journal, without its body. */
export const journalRecordSchema = lazySchema(() =>
  z.discriminatedUnion('kind', [
    acceptedSchema.schema,
    startedSchema.schema,
    restingSchema.schema,
    finishedSchema.schema,
    shelvedSchema.schema,
    unshelvedSchema.schema,
  ]),
);

/** What the caller asked for. */
export const taskBodySchema = lazySchema(() =>
  z.object({
    text: z.string(),
    service: z.string().nullable(),
    kwargs: z.record(z.string(), z.unknown()).nullable(),
    priority: z.number(),
    timeoutMs: z.number(),
    queueTimeoutMs: limitMs(),
    deadlineMs: limitMs(),
    maxRetries: z.number(),
  }),
);

export type JournalRecord = z.output<typeof journalRecordSchema>;
export type TaskBody = z.output<typeof taskBodySchema>;
