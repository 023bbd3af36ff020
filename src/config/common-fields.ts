import * as z from 'zod';
import { lazySchema } from '../core/lazy-schema.js';
import { rateLimitSchema } from '../core/rate-limiter.js';

const text = () => z.string().min(1);

/** Fields that every service of the configuration may have, whatever its kind. */
export const commonSchema = lazySchema(() =>
  z.strictObject({
    description: text().optional().describe('What it does, in a sentence; routing reads it.'),
    keywords: z
      .array(
        z.union([
          text(),
          z.strictObject({ text: text(), weight: z.number().positive().optional().describe('Default: 1.') }),
        ]),
      )
      .optional()
      .describe('Words and phrases that speak for it.'),
    capabilities: z.array(text()).optional().describe('What it is good at, in a few words each.'),
    examples: z.array(text()).optional().describe('Tasks that belong to it.'),
    concurrency: z.number().int().min(1).optional().describe('Most attempts at once. Default: maxParallel.'),
    rateLimit: rateLimitSchema.schema.optional().describe('Most attempts that start per interval.'),
    idempotent: z
      .boolean()
      .optional()
      .describe('Whether a repeated attempt does no harm, so that one that crashed may be retried.'),
    timeoutSeconds: z
      .number()
      .positive()
      .optional()
      .describe("Limit of one attempt here, in seconds; the task's own limit holds as well."),
    retryOnFailure: z.boolean().optional().describe('Whether its retryable failures are retried.'),
    maxRetries: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Most further attempts here, at most as many as the task allows.'),
    enabled: z.boolean().optional().describe('Whether there is this service at all. Default: true.'),
  }),
);

/** Fields that every service of the configuration may have. */
export type CommonFields = z.output<typeof commonSchema>;

/** Takes the common fields and the kind's own apart. */
export function splitFields<T extends CommonFields>(
  spec: T,
): { readonly common: CommonFields; readonly own: Omit<T, keyof CommonFields> } {
  const isCommon = ([name]: [string, unknown]): boolean => Object.hasOwn(commonSchema.shape, name);
  const entries = Object.entries(spec);
  return {
    common: Object.fromEntries(entries.filter(isCommon)),
    own: Object.fromEntries(entries.filter((entry) => !isCommon(entry))) as Omit<T, keyof CommonFields>,
  };
}
