import * as z from 'zod';
import { taskDataSchema } from '../../core/task.js';
import { toWireResult } from '../wire-result.js';
import { DOES_WORK, defineTool } from './define-tool.js';
import { describeResult } from './describe-result.js';
import { taskResultSchema } from './task-result.schema.js';

/** One task with its options, as MCP clients send it. */
export const taskSchema = taskDataSchema.extend({
  task: z
    .string()
    .min(1)
    .describe('The task in plain words, with every name, path, address or number it needs.'),
});

export const executeTool = defineTool({
  name: 'execute',
  title: 'Execute a task',
  description:
    'Routes one task to the service that fits best and returns its result, with the route that was taken. For several tasks call executeParallel once instead.',
  input: taskSchema,
  output: taskResultSchema,
  annotations: DOES_WORK,
  run: async ({ task, ...options }, { orchestrator, signal, onProgress }) =>
    toWireResult(await orchestrator.execute(task, { ...options, signal, onProgress })),
  describe: describeResult,
  isFailure: ({ success }) => !success,
});
