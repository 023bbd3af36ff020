import * as z from 'zod';
import type { TaskDetail, TaskSummary } from '../../core/engine.js';

/** Kept tasks, wherever they are: in a running process or in a file. */
export interface TaskDesk {
  list(filter: TaskListFilter): Promise<readonly TaskSummary[]>;
  find(taskId: string): Promise<TaskDetail | undefined>;
  /** False when no open task has this id. */
  cancel(taskId: string, reason: string): Promise<boolean>;
  /** False when no task of this id ended without success. */
  retry(taskId: string): Promise<boolean>;
  close(): void;
}

/** What a list may be narrowed to. */
export const TASK_STATES = [
  'open',
  'dead',
  'queued',
  'running',
  'retrying',
  'completed',
  'failed',
  'timed_out',
  'cancelled',
  'rejected',
  'interrupted',
] as const;

/** Longest id of a task, and longest reason of a cancel, in characters. */
export const MOST_ID_CHARS = 256;
export const MOST_REASON_CHARS = 1000;

const taskId = z.string().min(1).max(MOST_ID_CHARS);

const filterSchema = z.strictObject({
  which: z.enum(TASK_STATES).optional(),
  most: z.number().int().min(1).optional(),
});

/** A list that is asked for. */
export type TaskListFilter = z.output<typeof filterSchema>;

/** What a desk is asked over its door, one line of JSON each. */
export const deskRequestSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('list'), filter: filterSchema }),
  z.strictObject({ action: z.literal('find'), taskId }),
  z.strictObject({ action: z.literal('cancel'), taskId, reason: z.string().max(MOST_REASON_CHARS) }),
  z.strictObject({ action: z.literal('retry'), taskId }),
]);

export type DeskRequest = z.output<typeof deskRequestSchema>;

/** Does what is asked. */
export function ask(desk: TaskDesk, request: DeskRequest): Promise<unknown> {
  switch (request.action) {
    case 'list':
      return desk.list(request.filter);
    case 'find':
      return desk.find(request.taskId);
    case 'cancel':
      return desk.cancel(request.taskId, request.reason);
    case 'retry':
      return desk.retry(request.taskId);
  }
}
