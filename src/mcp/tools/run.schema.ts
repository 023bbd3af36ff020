import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { MOST_WAIT_SECONDS } from '../runs/run-limits.js';
import { batchResultSchema } from './batch-result.schema.js';
import { taskResultSchema } from './task-result.schema.js';

const waitSeconds = () => z.number().min(0).max(MOST_WAIT_SECONDS).optional();

/** What the description of a tool says of work that outlasts its call. */
export const LONG_WORK = 'Long work answers status "running" and goes on: fetch it with getRun.';

/** How a call of a tool that works is made. */
export const runArguments = () => ({
  waitSeconds: waitSeconds().describe(
    'How long to wait for the end, 0 to 50 seconds; default 45. After that the answer has status "running" and a runId for getRun.',
  ),
  idempotencyKey: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('The same key and arguments join the work that is under way, or get its result again.'),
});

/** How a call that looks at a run is made. */
export const runReference = () => ({
  runId: z.string().min(1).max(64).describe('The runId of an earlier answer.'),
});

/** How long getRun waits. */
export const pollArguments = () => ({
  waitSeconds: waitSeconds().describe('How long to wait for the end, 0 to 50 seconds; default 45.'),
});

const runFields = () => ({
  runId: z.string().describe('For getRun and cancelRun.'),
  progress: z.number().optional().describe('While it is running: how far it is, 0 to 1, if that is known.'),
  message: z.string().optional().describe('While it is running: what its service says of that.'),
});

const taskStatuses = () => taskResultSchema.shape.status.options;
const batchStatuses = () => batchResultSchema.shape.status.options;
const RUNNING = 'running: not ended yet, call getRun; all that is not listed as required comes with the end.';

/** A run of one task: a `TaskResult` once it has ended. */
export const taskRunSchema = lazySchema(() =>
  taskResultSchema.schema.partial().extend({
    ...runFields(),
    status: z.enum(['running', ...taskStatuses()]).describe(`${RUNNING} rejected: no attempt was made.`),
  }),
);

/** A run of several tasks: a `BatchResult` once it has ended. */
export const batchRunSchema = lazySchema(() =>
  batchResultSchema.schema.partial().extend({
    ...runFields(),
    status: z
      .enum(['running', ...batchStatuses()])
      .describe(`${RUNNING} completed: all succeeded. partial: some did. failed: none did.`),
  }),
);

/** A run of whichever tool. */
export const anyRunSchema = lazySchema(() =>
  taskRunSchema.schema.extend({
    ...batchResultSchema.schema.partial().shape,
    status: z
      .enum([...new Set(['running', ...taskStatuses(), ...batchStatuses()] as const)])
      .describe(`${RUNNING} Then that of execute, or that of executeParallel and executeSubtasks.`),
  }),
);
