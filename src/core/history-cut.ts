import * as z from 'zod';
import { historyStateSchema } from './history-state.js';

/** Where a history begins whose beginning was not kept. */
export const historyCutSchema = z.object({
  /** Facts that were told before, and dropped. */
  dropped: z.number().min(0),
  /** Tasks and attempts that were under way when the recording began: nothing is known of them. */
  unknown: z.number().min(0),
  /** When the history was written, ISO 8601, and on the clock of its facts. */
  writtenAt: z.string(),
  writtenAtMs: z.number(),
  /** Why it was written. */
  reason: z.string(),
  state: historyStateSchema.schema,
});

/** How things stood where a history begins. */
export type HistoryCut = z.output<typeof historyCutSchema>;
