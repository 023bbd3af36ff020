import * as z from 'zod';
import { subtaskSchema } from '../../core/task.js';
import { batchResultSchema, describeBatch, isFailedBatch, MAX_BATCH_TASKS, toBatchResult } from './batch.js';
import { DOES_WORK, defineTool } from './define-tool.js';

export const executeSubtasksTool = defineTool({
  name: 'executeSubtasks',
  title: 'Execute subtasks with dependencies',
  description:
    'Runs the steps of a plan: a subtask starts once all that it depends on completed, and finds their results in kwargs.dependencies by id. When one of those does not complete it is cancelled. Returns the results in the order of the input.',
  input: z.strictObject({
    subtasks: z.array(subtaskSchema).min(1).max(MAX_BATCH_TASKS),
    parallel: z
      .boolean()
      .default(true)
      .describe('Whether independent subtasks run at once; false: one after another in the order given.'),
  }),
  output: batchResultSchema,
  annotations: DOES_WORK,
  run: async ({ subtasks, parallel }, { orchestrator, signal, onProgress }) =>
    toBatchResult(await orchestrator.executeSubtasks(subtasks, { parallel, signal, onProgress })),
  describe: describeBatch,
  isFailure: isFailedBatch,
});
