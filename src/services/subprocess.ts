import * as z from 'zod';
import { parseOrMisuse } from '../core/config.js';
import { misuse } from '../core/errors.js';
import { lazySchema } from '../core/lazy-schema.js';
import { listOf } from '../core/list-schema.js';
import type { Service, ServiceContext } from '../core/service.js';
import { childEnvironment } from './child-environment.js';
import { IsolatePool } from './isolation/isolate-pool.js';
import type { ModuleJob } from './isolation/module-jobs.js';
import { redactedAttempt } from './redacted-service.js';
import { RunningAttempts } from './running-attempts.js';
import { redactorOf } from './secrets.js';
import { splitServiceFields } from './service-fields.js';
import { startJsonLines } from './subprocess-json-lines.js';
import { runOnce, TASK_PLACEHOLDER } from './subprocess-one-shot.js';

const MIB = 1024 * 1024;

/** Options of a service over a program. */
export const subprocessOptionsSchema = lazySchema(() =>
  z.strictObject({
    command: z.string().min(1).describe('Program to start; never a shell line.'),
    args: listOf(z.string())
      .default([])
      .describe(`Its arguments, each as it stands. With one-shot, ${TASK_PLACEHOLDER} stands for the task.`),
    mode: z
      .enum(['one-shot', 'json-lines'])
      .default('one-shot')
      .describe('One process for each task, or long-lived ones that read and write JSON lines.'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe(`Variables of its own; \${env:NAME} in a value stands for one of ours.`),
    inheritEnv: listOf(z.string())
      .optional()
      .describe('Variables that it gets from us. Default: PATH, HOME, LANG, TMPDIR.'),
    cwd: z.string().min(1).optional().describe('Its working directory. Default: ours.'),
    stdin: z
      .enum(['task', 'json', 'none'])
      .optional()
      .describe(
        `What a one-shot process reads: the text of the task, { task, kwargs } as JSON, or nothing. Default: the task, or nothing when an argument has ${TASK_PLACEHOLDER}.`,
      ),
    output: z
      .enum(['text', 'json'])
      .optional()
      .describe('What a one-shot process writes to stdout. Default: text.'),
    maxOutputBytes: z
      .number()
      .int()
      .min(1)
      .default(MIB)
      .describe('Largest result, in bytes; a process that writes more is ended.'),
    now: z
      .custom<() => number>((value) => typeof value === 'function', 'expected a function')
      .optional()
      .describe('Monotonic milliseconds, for the backoff between crashes. Default: performance.now().'),
  }),
);

/** Options of {@link subprocessService}, with the fields of a service beside them. */
export type SubprocessOptions = z.input<typeof subprocessOptionsSchema> &
  Omit<Service, 'execute' | 'close' | 'onProfileChange'>;

type Options = z.output<typeof subprocessOptionsSchema>;

/**
 * A service whose work is done by a program of any language. There is no shell: the task stays one argument, or is read
 * from stdin. Every process gets an environment of its own and ends with all that it started.
 *
 * - `one-shot`: the result is what the program writes to stdout. Exit code 0 is success; another one is `SERVICE_FAILED`
 *   with the end of stderr, and 75 (EX_TEMPFAIL) says that another attempt may help. A task that begins with `-` is
 *   refused where the program would take it for an option.
 * - `json-lines`: a process reads `{ id, task, kwargs, attempt, taskId, deadline, idempotencyKey, traceparent }`
 *   and writes `{ id, progress, message }` as often as it likes, then `{ id, result }` or `{ id, error: { code, message, retryable,
 *   data } }`. `{ type: "cancel", id }` asks it to stop; if it does not answer soon it is ended. One process for each
 *   attempt at once, kept for later ones; stdin is closed when it is to end.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example subprocessService({ command: 'python3', args: ['summarise.py'], mode: 'json-lines', keywords: ['summarise'] })
 */
export function subprocessService(options: SubprocessOptions): Service {
  const { fields, own } = splitServiceFields(options);
  const parsed = parseOrMisuse(subprocessOptionsSchema, own, 'subprocessService()');
  refuseWithoutEffect(parsed);
  return { ...fields, ...(parsed.mode === 'one-shot' ? oneShot(parsed) : jsonLines(parsed)) };
}

function oneShot(options: Options): Pick<Service, 'execute' | 'close'> {
  const running = new RunningAttempts();
  return {
    execute: (task, context) =>
      running.run(context.signal, (signal) =>
        redacted(options, context, ({ kwargs, progress, log }, env) =>
          runOnce({ ...options, env }, task, { kwargs, progress, log, signal }),
        ),
      ),
    close: () => running.close(),
  };
}

function jsonLines(options: Options): Pick<Service, 'execute' | 'close'> {
  const what = `process "${options.command}"`;
  const pool = new IsolatePool<ModuleJob>({
    start: () => startJsonLines({ ...options, env: childEnvironment(options), what }),
    what,
    now: options.now ?? (() => performance.now()),
  });
  return {
    execute: (task, context) =>
      redacted(options, context, async (clean) => {
        const { kwargs, attempt, taskId, deadline, idempotencyKey, traceparent, signal, progress, log } =
          clean;
        const job = { task, kwargs, attempt, taskId, deadline, idempotencyKey, traceparent };
        return pool.run(job, { signal, progress, log });
      }),
    close: () => pool.close(),
  };
}

/** Runs something with the environment resolved, and keeps the secrets in it out of what comes back. */
async function redacted(
  options: Options,
  context: ServiceContext,
  work: (context: ServiceContext, env: Record<string, string>) => Promise<unknown>,
): Promise<unknown> {
  const env = childEnvironment(options);
  return redactedAttempt(context, redactorOf(options.env, env), (clean) => work(clean, env));
}

function refuseWithoutEffect({ mode, args, stdin, output }: Options): void {
  const hasPlaceholder = args.some((arg) => arg.includes(TASK_PLACEHOLDER));
  if (mode === 'one-shot') {
    if (!hasPlaceholder && stdin === 'none') {
      throw misuse(
        `The program would never see the task: put ${TASK_PLACEHOLDER} into args, or leave stdin out.`,
      );
    }
    return;
  }
  if (hasPlaceholder)
    throw misuse(`${TASK_PLACEHOLDER} has no effect with mode: "json-lines"; the task comes on stdin.`);
  if (stdin !== undefined || output !== undefined) {
    throw misuse('"stdin" and "output" have no effect with mode: "json-lines"; both are JSON lines.');
  }
}
