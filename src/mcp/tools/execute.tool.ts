import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import type { TaskResult } from '../../core/result.js';
import { taskDataSchema } from '../../core/task.js';
import type { RunEnd } from '../runs/run.js';
import { withTaskKey } from '../runs/run-keys.js';
import { toWireResult } from '../wire-result.js';
import { isKept } from './batch.js';
import { DOES_WORK, defineWorkingTool, type WorkHooks } from './define-tool.js';
import { describeResult } from './describe-result.js';
import { fitResults, wasCut } from './fit-results.js';
import { LONG_WORK, runArguments, taskRunSchema } from './run.schema.js';
import type { WireResult } from './task-result.schema.js';

/** One task with its options, as MCP clients send it. */
export const taskSchema = lazySchema(() =>
  taskDataSchema.schema.extend({
    task: z
      .string()
      .min(1)
      .describe('The task in plain words, with every name, path, address or number it needs.'),
  }),
);

export const executeTool = defineWorkingTool({
  name: 'execute',
  title: 'Execute a task',
  description: `Routes one task to the service that fits best and returns its result, with the route that was taken. ${LONG_WORK} For several tasks call executeParallel once instead.`,
  input: lazySchema(() => taskSchema.schema.extend(runArguments())),
  output: taskRunSchema,
  annotations: DOES_WORK,
  async work({ task, waitSeconds: _, ...options }, { orchestrator, principal, hooks }) {
    const { signal, onProgress } = hooks;
    const scoped = withTaskKey(options, { principal, runKey: hooks.taskKey(0) });
    return endOfTask(await orchestrator.execute(task, { ...scoped, signal, onProgress }), hooks);
  },
});

function endOfTask(source: TaskResult, { runId, uri }: WorkHooks): RunEnd {
  const wire = toWireResult(source);
  if (!wasCut(wire, source)) return toEnd(wire, runId);
  const { results, whole } = fitResults([source], uri);
  const end = toEnd(results[0] as WireResult, runId);
  if (whole === null) return end;
  return {
    ...end,
    answer: uri === null ? end.answer : { ...end.answer, wholeUri: uri },
    wholeJson: JSON.stringify({ runId, ...whole[0] }),
  };
}

function toEnd(wire: WireResult, runId: string | null): RunEnd {
  return {
    answer: {
      text: describeResult(wire),
      structuredContent: runId === null ? wire : { runId, ...wire },
      isError: !wire.success,
    },
    wholeJson: null,
    wasTried: wire.attempts > 0,
    isKept: isKept(wire),
  };
}
