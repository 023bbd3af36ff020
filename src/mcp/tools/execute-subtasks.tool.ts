import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { subtaskSchema } from '../../core/task.js';
import { withTaskKey } from '../runs/run-keys.js';
import { endOfBatch, MAX_BATCH_TASKS } from './batch.js';
import { DOES_WORK, defineWorkingTool } from './define-tool.js';
import { batchRunSchema, LONG_WORK, runArguments } from './run.schema.js';

export const executeSubtasksTool = defineWorkingTool({
  name: 'executeSubtasks',
  title: 'Execute subtasks with dependencies',
  description: `Runs the steps of a plan: a subtask starts once all that it depends on completed, and finds their results in kwargs.dependencies by id. When one of those does not complete it is cancelled. Returns the results in the order of the input. ${LONG_WORK}`,
  input: lazySchema(() =>
    z.strictObject({
      subtasks: z.array(subtaskSchema.schema).min(1).max(MAX_BATCH_TASKS),
      parallel: z
        .boolean()
        .default(true)
        .describe('Whether independent subtasks run at once; false: one after another in the order given.'),
      ...runArguments(),
    }),
  ),
  output: batchRunSchema,
  annotations: DOES_WORK,
  async work({ subtasks, parallel }, { orchestrator, principal, hooks }) {
    const { signal, onProgress } = hooks;
    const scoped = subtasks.map((subtask, index) =>
      withTaskKey(subtask, { principal, runKey: hooks.taskKey(index) }),
    );
    return endOfBatch(await orchestrator.executeSubtasks(scoped, { parallel, signal, onProgress }), hooks);
  },
});
