import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import type { RunEnd } from './run.js';

/** A run as it lies on a shelf that outlives the process. Times are milliseconds of the wall clock. */
const storedRunSchema = lazySchema(() =>
  z.object({
    id: z.string(),
    toolName: z.string(),
    principal: z.string().nullable(),
    args: z.record(z.string(), z.unknown()),
    idempotencyKey: z.string().optional(),
    startedAtMs: z.number(),
    changedAtMs: z.number(),
    isTold: z.boolean(),
    /** Null while it is under way. */
    end: z
      .object({
        answer: z.object({
          text: z.string(),
          structuredContent: z.record(z.string(), z.unknown()).optional(),
          isError: z.boolean(),
          wholeUri: z.string().optional(),
        }),
        wholeJson: z.string().nullable(),
        wasTried: z.boolean(),
        isOurFault: z.boolean().optional(),
      })
      .nullable(),
  }),
);

/** A run that was read from a shelf. */
export type StoredRun = Omit<z.output<typeof storedRunSchema>, 'end'> & { readonly end: RunEnd | null };

/** Reads a run; null when its text is not one, for instance of another version. */
export function parseStoredRun(text: string): StoredRun | null {
  try {
    return storedRunSchema.parse(JSON.parse(text)) as StoredRun;
  } catch {
    return null;
  }
}
