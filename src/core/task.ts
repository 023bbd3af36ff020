import * as z from 'zod';
import { lazySchema } from './lazy-schema.js';
import { listOf } from './list-schema.js';

/**
 * How the keys of tasks begin that a run of MCP made. Nobody but that run's principal has them, in whichever process: when he
 * cancels a task by one of them, the task is meant and not only his wait for it.
 */
export const RUN_KEY = 'run:';

/** Of a run's id and the number of its task. What is made of a caller's key has another form, and so may keys of programs. */
const KEY_OF_ONE_RUN = /^run:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}:\d+$/;

/** Whether a key is of one run alone, and not of its caller's choice: then it comes with the same options every time. */
export function isKeyOfOneRun(key: string): boolean {
  return KEY_OF_ONE_RUN.test(key);
}

const seconds = () => z.number().positive();

/** The options of a task that can cross any border (MCP, journal): plain data. */
export const taskDataSchema = lazySchema(() =>
  z.strictObject({
    service: z
      .string()
      .min(1)
      .optional()
      .describe('Name of a service; leave it out to let the router choose.'),
    kwargs: z.record(z.string(), z.unknown()).optional().describe('Arguments for the service.'),
    priority: z.number().optional().describe('Higher goes first; default 0.'),
    timeoutSeconds: seconds().optional().describe('Limit of one attempt, in seconds.'),
    queueTimeoutSeconds: seconds().optional().describe('Limit of waiting for a free instance, in seconds.'),
    deadlineSeconds: seconds().optional().describe('Limit of the whole task, retries included, in seconds.'),
    maxRetries: z.number().int().min(0).optional().describe('Most further attempts after the first.'),
    // Inside the process every caller of a key gets the same `TaskResult` object: copy what a service returned before you
    // change it.
    idempotencyKey: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'The same key and input join a live task or replay its result instead of doing the work twice.',
      ),
  }),
);

/** The options of one task inside the process. */
export const taskOptionsSchema = lazySchema(() =>
  taskDataSchema.schema.extend({
    taskId: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        "A caller's own id; another live task with it is refused as `DUPLICATE_ID`. Default: a fresh one.",
      ),
    traceparent: z
      .string()
      .optional()
      .describe(
        "The caller's place in a trace, as in the header of W3C Trace Context. One that is not valid is ignored.",
      ),
    tracestate: z.string().optional().describe('Goes with `traceparent`.'),
    signal: z
      .custom<AbortSignal>((value) => value instanceof AbortSignal, 'expected an AbortSignal')
      .optional()
      .describe('Cancels the task in whatever state it is.'),
    onProgress: z
      .custom<(fraction: number, message: string | undefined) => void>(
        (value) => typeof value === 'function',
        'expected a function',
      )
      .optional()
      .describe(
        'Told how far the work is; `fraction` is 0 to 1. A fault of it is reported and changes nothing.',
      ),
  }),
);

export type TaskOptions = z.input<typeof taskOptionsSchema>;

/** One element of a batch, with options of its own. */
export const batchItemSchema = lazySchema(() =>
  taskOptionsSchema.schema.extend({ task: z.string().min(1).describe('What to do, in words.') }),
);

/**
 * Options of a batch; those of a task hold for each of its tasks that says nothing else. A `signal` of its own cancels a
 * task as well as that of the batch does.
 */
export const batchOptionsSchema = lazySchema(() =>
  taskOptionsSchema.schema.omit({ taskId: true, idempotencyKey: true }).extend({
    maxParallel: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('Most tasks of this batch that are under way at once.'),
    failFast: z.boolean().optional().describe('Cancel what has not ended once one task fails.'),
  }),
);

/** One subtask. */
export const subtaskSchema = lazySchema(() =>
  taskDataSchema.schema.extend({
    task: z.string().min(1).describe('What to do, in words.'),
    id: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Name for dependsOn; default its place, "1" for the first.'),
    dependsOn: listOf(z.string()).optional().describe('Ids of subtasks that must complete first.'),
  }),
);

/** Options of subtasks; those of a task hold for every subtask. */
export const subtasksOptionsSchema = lazySchema(() =>
  taskOptionsSchema.schema
    .pick({ traceparent: true, tracestate: true, signal: true, onProgress: true })
    .extend({
      parallel: z.boolean().optional().describe('Whether subtasks run side by side; default true.'),
    }),
);

/** One element of `executeParallel` and `stream`: a text alone, or with options of its own. */
export type TaskInput = string | z.input<typeof batchItemSchema>;

/**
 * Options of a batch. `maxParallel` limits this batch within the orchestrator's own limit; `signal` and `failFast` cancel
 * also the tasks that have a `signal` of their own.
 */
export type BatchOptions = z.input<typeof batchOptionsSchema>;

/**
 * One step of `executeSubtasks`. It starts once all of `dependsOn` completed, and finds their results in
 * `kwargs.dependencies` by id. When one of them did not complete it is answered `cancelled` without an attempt.
 */
export type Subtask = z.input<typeof subtaskSchema>;

/** Options of `executeSubtasks`. `parallel: false` runs them one after another in the order given. */
export type SubtasksOptions = z.input<typeof subtasksOptionsSchema>;
