import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { routeSchema } from './route.schema.js';

/** How one task ended, as MCP clients see it: core's `TaskResult` as plain JSON. */
export const taskResultSchema = lazySchema(() =>
  z.object({
    taskId: z.string(),
    status: z
      .enum(['completed', 'failed', 'timed_out', 'cancelled', 'rejected', 'interrupted'])
      .describe('rejected: no attempt was made. interrupted: the process died during an attempt.'),
    serviceName: z
      .string()
      .nullable()
      .describe('The service that worked on the task; null when none was chosen.'),
    success: z.boolean().describe('True exactly when status is completed.'),
    result: z.unknown().describe('What the service returned; null unless completed.'),
    error: z.string().nullable().describe('A sentence that ends with what to do, or null.'),
    errorCode: z.string().nullable().describe('Stable code such as TIMEOUT or NO_MODEL, or null.'),
    errorDetails: z
      .looseObject({})
      .nullable()
      .describe('Facts beside the error, for instance retryAfterSeconds; null when there are none.'),
    executionTime: z.number().describe('Seconds from the start of the first attempt to the end.'),
    queueTime: z.number().describe('Seconds of waiting before the first attempt.'),
    attempts: z.number().describe('Attempts started.'),
    route: routeSchema.schema
      .nullable()
      .describe('Why this service; null when the task was refused before routing.'),
  }),
);

/** A `TaskResult` that is plain JSON. */
export type WireResult = z.output<typeof taskResultSchema>;
