import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { withTaskKey } from '../runs/run-keys.js';
import { endOfBatch, MAX_BATCH_TASKS } from './batch.js';
import { DOES_WORK, defineWorkingTool } from './define-tool.js';
import { taskSchema } from './execute.tool.js';
import { batchRunSchema, LONG_WORK, runArguments } from './run.schema.js';

export const executeParallelTool = defineWorkingTool({
  name: 'executeParallel',
  title: 'Execute tasks in parallel',
  description: `Routes up to 1000 independent tasks, runs them in parallel under one limit and returns the results in the order of the input. One failed task does not fail the others. ${LONG_WORK}`,
  input: lazySchema(() =>
    z.strictObject({
      tasks: z
        .array(z.union([z.string().min(1), taskSchema.schema]))
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
      ...runArguments(),
    }),
  ),
  output: batchRunSchema,
  annotations: DOES_WORK,
  async work({ tasks, maxParallel, failFast }, { orchestrator, principal, hooks }) {
    const { signal, onProgress } = hooks;
    const scoped = tasks.map((task, index) => {
      const runKey = hooks.taskKey(index);
      if (typeof task === 'string' && runKey === undefined) return task;
      return withTaskKey(typeof task === 'string' ? { task } : task, { principal, runKey });
    });
    const options = { maxParallel, failFast, signal, onProgress };
    return endOfBatch(await orchestrator.executeParallel(scoped, options), hooks);
  },
});
