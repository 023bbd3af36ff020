import * as z from 'zod';
import { misuse } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';
import { positiveLimit } from '../../core/limit-schema.js';

const count = () => z.number().int().min(1);

/** Every limit of the HTTP face, with its default. What lies beyond one is refused with a documented answer. */
const httpLimitsSchema = lazySchema(() =>
  z.strictObject({
    bodyBytes: count()
      .default(1024 * 1024)
      .describe('Longest request body, in bytes; beyond it 413.'),
    headerBytes: count()
      .default(16 * 1024)
      .describe('Longest request head, in bytes; beyond it 431.'),
    headersSeconds: z
      .number()
      .positive()
      .default(30)
      .describe('Longest time a request head may take; then 408.'),
    requestSeconds: z
      .number()
      .positive()
      .default(30)
      .describe('Longest time a request may take to arrive; then 408.'),
    connections: count().default(512).describe('Open connections; beyond it the longest idle one is closed.'),
    backlogBytes: count()
      .default(16 * 1024 * 1024)
      .describe('Bytes of an answer that may wait for a slow reader; beyond it the connection is closed.'),
    batchMessages: count().default(100).describe('Messages in one body; beyond it 400.'),
    inputElements: count()
      .default(20_000)
      .describe('Values in one body, counting those inside others; beyond it 400.'),
    inputDepth: count().default(64).describe('Nesting of one body; beyond it 400.'),
    callsAtOnce: count().default(64).describe('Requests of one principal under way at once; beyond it 429.'),
    callsPerSecond: positiveLimit()
      .default(200)
      .describe('Requests of one principal per second, on average; beyond it 429.'),
    callsBurst: positiveLimit()
      .default(400)
      .describe('Requests of one principal that may come at once after a pause.'),
    sessions: count().default(256).describe('Sessions of the 2025 protocol; beyond it 503.'),
    sessionIdleSeconds: z
      .number()
      .positive()
      .default(1800)
      .describe('Longest life of a session that does nothing.'),
    subscriptions: count().default(64).describe('Open subscriptions of the 2026 protocol; beyond it -32603.'),
  }),
);

export type HttpLimits = z.output<typeof httpLimitsSchema>;
/** Limits that a caller sets; the others have their default. */
export type HttpLimitsInput = z.input<typeof httpLimitsSchema>;

/** Checks limits and fills in the defaults. @throws TypeError that names the limit, the rule and the value. */
export function parseLimits(limits: HttpLimitsInput = {}): HttpLimits {
  const parsed = httpLimitsSchema.safeParse(limits);
  if (parsed.success) return parsed.data;
  throw misuse(`Limits are not valid:\n${z.prettifyError(parsed.error)}`);
}
