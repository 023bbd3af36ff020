import * as z from 'zod';
import { batchResultSchema, describeBatch, isFailedBatch, MAX_BATCH_TASKS, toBatchResult } from './batch.js';
import { DOES_WORK, defineTool } from './define-tool.js';
import { taskSchema } from './execute.tool.js';

export const executeParallelTool = defineTool({
  name: 'executeParallel',
  title: 'Execute tasks in parallel',
  description:
    'Routes up to 1000 independent tasks, runs them in parallel under one limit and returns the results in the order of the input. One failed task does not fail the others.',
  input: z.strictObject({
    tasks: z
      .array(z.union([z.string().min(1), taskSchema]))
      .min(1)
      .max(MAX_BATCH_TASKS)
      .describe('Each one a text, or an object with a task and its options.'),
    maxParallel: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("Most of these tasks at once, within the server's own limit."),
    failFast: z.boolean().default(false).describe('Whether the first failure cancels what has not ended.'),
  }),
  output: batchResultSchema,
  annotations: DOES_WORK,
  run: async ({ tasks, ...options }, { orchestrator, signal, onProgress }) =>
    toBatchResult(await orchestrator.executeParallel(tasks, { ...options, signal, onProgress })),
  describe: describeBatch,
  isFailure: isFailedBatch,
});
