import * as z from 'zod';
import type { TaskResult } from '../../core/result.js';
import { toWireResults } from '../wire-result.js';
import { describeItem } from './describe-result.js';
import { taskResultSchema } from './task-result.schema.js';

/** Most tasks of one call. */
export const MAX_BATCH_TASKS = 1000;

/** Items that the text of a batch spells out, and how much of each; all are in the structured content. */
const TEXT_ITEMS = 50;
const TEXT_ITEM_CHARS = 500;

/** The answer to several tasks. */
export const batchResultSchema = z.object({
  status: z
    .enum(['completed', 'partial', 'failed'])
    .describe('completed: all succeeded. partial: some did. failed: none did.'),
  total: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  results: z.array(taskResultSchema).describe('In the order of the input.'),
});

export type BatchResult = z.output<typeof batchResultSchema>;

/** Counts the results as they go over the wire: one that cannot be sent counts as failed. */
export function toBatchResult(results: readonly TaskResult[]): BatchResult {
  const wire = toWireResults(results);
  const succeeded = wire.filter(({ success }) => success).length;
  const failed = wire.length - succeeded;
  const status = failed === 0 ? 'completed' : succeeded === 0 ? 'failed' : 'partial';
  return { status, total: wire.length, succeeded, failed, results: wire };
}

/** The text of a batch: the counts and one line for each of the first items. */
export function describeBatch({ total, succeeded, failed, results }: BatchResult): string {
  const lines = results
    .slice(0, TEXT_ITEMS)
    .map((result, index) => describeItem(result, index, TEXT_ITEM_CHARS));
  const rest = total > TEXT_ITEMS ? [`… and ${total - TEXT_ITEMS} more in the structured content.`] : [];
  return [`${succeeded} of ${total} tasks succeeded, ${failed} failed.`, ...lines, ...rest].join('\n');
}

/** A batch is a failure only when no item succeeded. */
export function isFailedBatch({ succeeded }: BatchResult): boolean {
  return succeeded === 0;
}
