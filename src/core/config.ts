import * as z from 'zod';
import { messageOf, misuse } from './errors.js';
import { lazySchema } from './lazy-schema.js';
import { wholeLimit } from './limit-schema.js';
import { rateLimitSchema } from './rate-limiter.js';

const seconds = () => z.number().positive();
const count = () => z.number().int().min(0);

/** Limits, clocks, retries and the circuit breaker. */
export const taskConfigSchema = lazySchema(() =>
  z.strictObject({
    maxParallel: wholeLimit().default(5).describe('Most attempts that run at once, over all services.'),
    timeoutSeconds: seconds().default(300).describe('Limit of one attempt, in seconds.'),
    queueTimeoutSeconds: seconds()
      .optional()
      .describe('Limit of waiting in a mailbox, in seconds. Default: none.'),
    deadlineSeconds: seconds()
      .optional()
      .describe('Limit of the whole task, retries and backoff included, in seconds. Default: none.'),
    retryOnFailure: z.boolean().default(true).describe('Whether retryable failures are retried.'),
    maxRetries: count().default(2).describe('Most further attempts after the first.'),
    backoffBaseSeconds: seconds()
      .default(0.2)
      .describe('Ceiling of the first backoff, in seconds; it doubles.'),
    backoffCapSeconds: seconds().default(30).describe('Highest ceiling of a backoff, in seconds.'),
    retryAfterCapSeconds: seconds()
      .default(300)
      .describe(
        'Longest wait that a service may ask for (Retry-After), in seconds; one that asks for more fails the task at once, with the time to wait.',
      ),
    retryBudgetRatio: z
      .number()
      .min(0)
      .max(1)
      .default(0.2)
      .describe(
        "Retries in flight, at most this share of the service's tasks in flight (but never below 3).",
      ),
    mailboxCapacity: wholeLimit().default(100_000).describe('Most tasks that wait for one service.'),
    maxResultBytes: wholeLimit()
      .default(16 * 1024 * 1024)
      .describe('Largest result, in bytes.'),
    circuitFailures: wholeLimit()
      .default(5)
      .describe(
        'Transport failures in a row that open a circuit; as many, and at least ten, among the last twenty outcomes within 30 s open it too.',
      ),
    circuitCooldownSeconds: seconds()
      .default(5)
      .describe('Time until an open circuit is probed; it doubles.'),
    circuitCooldownCapSeconds: seconds()
      .default(120)
      .describe('Longest time between two probes, in seconds.'),
    drainSeconds: z
      .number()
      .min(0)
      .default(10)
      .describe('How long close() lets accepted work go on, in seconds.'),
    rateLimit: rateLimitSchema.schema
      .optional()
      .describe('Most attempts that start per interval, over all services.'),
    startPaused: z.boolean().default(false).describe('Whether the queue starts paused.'),
  }),
);

/** How a task finds its service. */
export const routingConfigSchema = lazySchema(() =>
  z.strictObject({
    useKeywordMatching: z.boolean().default(true).describe('Whether the default strategy looks at keywords.'),
    useCapabilityMatching: z
      .boolean()
      .default(true)
      .describe('Whether the default strategy compares descriptions, capabilities and examples.'),
    fallbackService: z
      .string()
      .min(1)
      .nullable()
      .default('chat')
      .describe('Service for tasks that fit none; null for none.'),
    confidenceThreshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Least confidence of a match, 0 to 1.'),
    routingTimeoutSeconds: seconds()
      .default(1)
      .describe('Limit of an asynchronous strategy without a budget of its own, in seconds.'),
    balanceNearTies: z
      .boolean()
      .default(false)
      .describe(
        'Whether, of candidates within 0.05 of the best that reach the threshold, the least busy one takes the task. Off, equal words always lead to the same service, however busy it is.',
      ),
    onUnavailable: z
      .enum(['next', 'fallback', 'wait', 'fail'])
      .default('next')
      .describe(
        'What a task does whose service has an open circuit: next candidate, then fallback, then wait; fallback, then wait; wait; next candidate, then fallback, then fail.',
      ),
  }),
);

export type TaskConfig = z.output<typeof taskConfigSchema>;
export type RoutingConfig = z.output<typeof routingConfigSchema>;

/** Both halves of the configuration, complete. */
export interface ExecutionConfig {
  readonly taskConfig: TaskConfig;
  readonly routingConfig: RoutingConfig;
}

/** What `ExecutionConfig.create()` accepts: fields of either half in one object. */
export type ExecutionConfigInput = z.input<typeof taskConfigSchema> & z.input<typeof routingConfigSchema>;

/** A configuration in two parts, each partial. */
export interface ExecutionConfigParts {
  readonly taskConfig?: z.input<typeof taskConfigSchema>;
  readonly routingConfig?: z.input<typeof routingConfigSchema>;
}

const flatSchema = lazySchema(() =>
  z.strictObject({ ...taskConfigSchema.shape, ...routingConfigSchema.shape }),
);

export const ExecutionConfig: {
  /**
   * Builds a complete configuration from fields of either half; what is left out has its default.
   *
   * @throws TypeError naming each unknown key and each value out of range.
   * @example ExecutionConfig.create({ maxParallel: 5, timeoutSeconds: 300, confidenceThreshold: 0.6 })
   */
  create(input?: ExecutionConfigInput): ExecutionConfig;
  /** Completes a configuration given in two parts. @throws TypeError as `create` does. */
  complete(parts?: ExecutionConfigParts): ExecutionConfig;
} = {
  create(input = {}) {
    parseOrMisuse(flatSchema, input, 'ExecutionConfig');
    const has =
      (schema: { readonly shape: object }) =>
      ([key]: [string, unknown]) =>
        key in schema.shape;
    const entries = Object.entries(input);
    return ExecutionConfig.complete({
      taskConfig: Object.fromEntries(entries.filter(has(taskConfigSchema))),
      routingConfig: Object.fromEntries(entries.filter(has(routingConfigSchema))),
    });
  },
  complete({ taskConfig = {}, routingConfig = {}, ...unknown } = {}) {
    parseOrMisuse(z.strictObject({}), unknown, 'config');
    // A limit that went missing on its way here must not silently become the default.
    if ('maxParallel' in taskConfig && taskConfig.maxParallel === undefined) {
      throw misuse('maxParallel is undefined; give a whole number of at least 1, Infinity, or leave it out.');
    }
    return {
      taskConfig: parseOrMisuse(taskConfigSchema, taskConfig, 'taskConfig'),
      routingConfig: parseOrMisuse(routingConfigSchema, routingConfig, 'routingConfig'),
    };
  },
};

/** A schema, or one that is built when it is used. */
interface Parser<Output> {
  safeParse(value: unknown): z.ZodSafeParseResult<Output>;
}

/** Parses at the border; a fault is a `TypeError` whose text names each field, the rule and the value. */
export function parseOrMisuse<Output>(schema: Parser<Output>, value: unknown, what: string): Output {
  const parsed = readSafely(schema, value, what);
  if (parsed.success) return parsed.data;
  throw misuse(`${what} is not valid:\n${z.prettifyError(parsed.error)}`);
}

/** A getter of the value may throw. */
function readSafely<Output>(
  schema: Parser<Output>,
  value: unknown,
  what: string,
): z.ZodSafeParseResult<Output> {
  try {
    return schema.safeParse(value);
  } catch (cause) {
    throw misuse(`${what} cannot be read: ${messageOf(cause)}`);
  }
}
