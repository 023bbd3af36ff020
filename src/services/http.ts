import * as z from 'zod';
import { parseOrMisuse } from '../core/config.js';
import { lazySchema } from '../core/lazy-schema.js';
import type { Service, ServiceContext } from '../core/service.js';
import { resolveAll } from './child-environment.js';
import { postTask } from './http-client.js';
import { patientFetch } from './patient-fetch.js';
import { redactedAttempt } from './redacted-service.js';
import { RunningAttempts } from './running-attempts.js';
import { redactorOf } from './secrets.js';
import { splitServiceFields } from './service-fields.js';

const headerName = () => z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header');
const headerValue = () => z.string().regex(/^[\x20-\x7e]*$/, 'expected printable ASCII');

/** Options of a service behind an address. */
export const httpOptionsSchema = lazySchema(() =>
  z.strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .refine((url) => !/^[^/]*\/\/[^/]*@/.test(url), 'put credentials into headers, not into the address')
      .describe(
        'Where tasks are posted to; it may be inside the own network, because the operator names it.',
      ),
    headers: z
      .record(headerName(), headerValue())
      .default({})
      .describe(`Sent with each task; \${env:NAME} in a value stands for one of our variables.`),
    idempotencyKey: z
      .boolean()
      .default(true)
      .describe('Whether an idempotency-key header is sent, the same for every attempt of a task.'),
    maxResultBytes: z
      .number()
      .int()
      .min(1)
      .default(16 * 1024 * 1024)
      .describe('Largest answer, in bytes.'),
    fetch: z
      .custom<typeof fetch>((value) => typeof value === 'function', 'expected a function')
      .optional()
      .describe('For tests and proxies. Default: fetch without limits of time of its own.'),
    now: z
      .custom<() => number>((value) => typeof value === 'function', 'expected a function')
      .optional()
      .describe('Epoch milliseconds, for a `Retry-After` that is a date. Default: `Date.now`.'),
  }),
);

/** Options of {@link httpService}, with the fields of a service beside them. */
export type HttpServiceOptions = z.input<typeof httpOptionsSchema> &
  Omit<Service, 'execute' | 'close' | 'onProfileChange'>;

/**
 * A service that posts `{ task, kwargs, attempt, deadline }` as JSON to an address of the operator.
 *
 * The answer is `{ result }`, any other JSON, or text. An answer of type `application/x-ndjson` or `text/event-stream` may
 * tell `{ progress, message }` as often as it likes before `{ result }` or `{ error }`. A status of 4xx is the service's
 * own answer (`{ error: { code, message, retryable, data } }` says more); 408, 429 and 5xx are retried, after the time of
 * `Retry-After`. A connection that breaks after the task was sent is `CRASHED`, which is retried when the service is
 * `idempotent`. Redirects are followed within the same origin only.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example httpService({ url: 'http://127.0.0.1:8080/tasks', headers: { authorization: 'Bearer ${env:TOKEN}' } })
 */
export function httpService(options: HttpServiceOptions): Service {
  const { fields, own } = splitServiceFields(options);
  const parsed = parseOrMisuse(httpOptionsSchema, own, 'httpService()');
  const running = new RunningAttempts();
  return {
    ...fields,
    execute: (task, context) =>
      running.run(context.signal, (signal) => execute(parsed, task, context, signal)),
    close: () => running.close(),
  };
}

async function execute(
  { url, headers: declared, idempotencyKey, maxResultBytes, ...ports }: z.output<typeof httpOptionsSchema>,
  task: string,
  context: ServiceContext,
  signal: AbortSignal,
): Promise<unknown> {
  const headers = resolveAll(declared);
  return redactedAttempt(context, redactorOf(declared, headers), async (context) => {
    const { kwargs, attempt, deadline, taskId, progress } = context;
    return postTask(
      {
        url: new URL(url),
        headers: {
          ...headers,
          ...(idempotencyKey && { 'idempotency-key': context.idempotencyKey ?? taskId }),
        },
        maxResultBytes,
        fetch: ports.fetch ?? patientFetch,
        now: ports.now ?? Date.now,
      },
      { task, kwargs, attempt, deadline },
      { signal, progress },
    );
  });
}
