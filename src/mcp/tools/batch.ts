import type { TaskResult } from '../../core/result.js';
import type { RunEnd } from '../runs/run.js';
import type { BatchResult } from './batch-result.schema.js';
import type { WorkHooks } from './define-tool.js';
import { describeItem } from './describe-result.js';
import { fitResults } from './fit-results.js';
import type { WireResult } from './task-result.schema.js';

/** Most tasks of one call. */
export const MAX_BATCH_TASKS = 1000;

/** Items that the text of a batch spells out, and how much of each; all are in the structured content. */
const TEXT_ITEMS = 50;
const TEXT_ITEM_CHARS = 500;

/** The end of a run of several tasks: a failure only when no item succeeded. */
export function endOfBatch(sources: readonly TaskResult[], { runId, uri }: WorkHooks): RunEnd {
  const { results, whole } = fitResults(sources, uri);
  const batch = toBatchResult(results);
  const text = describeBatch(batch);
  return {
    answer: {
      text: whole === null ? text : `${text}\nThe whole is at ${uri}.`,
      structuredContent: runId === null ? batch : { runId, ...batch },
      isError: batch.succeeded === 0,
      ...(whole !== null && uri !== null && { wholeUri: uri }),
    },
    wholeJson: whole && JSON.stringify({ runId, ...toBatchResult(whole) }),
    wasTried: sources.some(({ attempts }) => attempts > 0),
    isKept: sources.some(isKept),
  };
}

/** Whether the task goes on at the next start of the process. */
export function isKept({ status, errorDetails }: Pick<TaskResult, 'status' | 'errorDetails'>): boolean {
  return status === 'cancelled' && errorDetails?.kept === true;
}

/** Counts the results as they go over the wire: one that cannot be sent counts as failed. */
function toBatchResult(results: WireResult[]): BatchResult {
  const succeeded = results.filter(({ success }) => success).length;
  const failed = results.length - succeeded;
  const status = failed === 0 ? 'completed' : succeeded === 0 ? 'failed' : 'partial';
  return { status, total: results.length, succeeded, failed, results };
}

/** The text of a batch: the counts and one line for each of the first items. */
function describeBatch({ total, succeeded, failed, results }: BatchResult): string {
  const lines = results
    .slice(0, TEXT_ITEMS)
    .map((result, index) => describeItem(result, index, TEXT_ITEM_CHARS));
  const rest = total > TEXT_ITEMS ? [`… and ${total - TEXT_ITEMS} more in the structured content.`] : [];
  return [`${succeeded} of ${total} tasks succeeded, ${failed} failed.`, ...lines, ...rest].join('\n');
}
