import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { taskResultSchema } from './task-result.schema.js';

/** How several tasks ended. */
export const batchResultSchema = lazySchema(() =>
  z.object({
    status: z
      .enum(['completed', 'partial', 'failed'])
      .describe('completed: all succeeded. partial: some did. failed: none did.'),
    total: z.number(),
    succeeded: z.number(),
    failed: z.number(),
    results: z.array(taskResultSchema.schema).describe('In the order of the input.'),
  }),
);

export type BatchResult = z.output<typeof batchResultSchema>;
