import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';

/** Where a task goes and why: core's `Route`. */
export const routeSchema = lazySchema(() =>
  z.object({
    service: z.string().nullable().describe('The chosen service; null when outcome is no-route.'),
    confidence: z.number().describe('What the chosen service scored, 0 to 1; 1 when it was named.'),
    usedFallback: z.boolean(),
    outcome: z.enum(['explicit', 'matched', 'fallback', 'only-service', 'no-route']),
    why: z.string().describe('For people.'),
    ranked: z
      .array(
        z.object({
          service: z.string(),
          confidence: z.number(),
          strategy: z.string().optional(),
          isRankOnly: z.boolean().optional().describe('True: the confidence is a rank, not a certainty.'),
          reasons: z
            .array(z.looseObject({ kind: z.string() }))
            .optional()
            .describe('Keywords, terms or examples that spoke for the service.'),
        }),
      )
      .describe('All candidates, best first.'),
  }),
);

/** A `Route` that is plain JSON. */
export type WireRoute = z.output<typeof routeSchema>;
