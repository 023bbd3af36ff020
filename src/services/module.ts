import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import * as z from 'zod';
import { parseOrMisuse } from '../core/config.js';
import { misuse } from '../core/errors.js';
import type { Service, ServiceContext } from '../core/service.js';
import { childEnvironment } from './child-environment.js';
import { collectOutcome } from './isolation/collect-outcome.js';
import { processEntry, threadEntry } from './isolation/entry-file.js';
import type { Isolate } from './isolation/isolate.js';
import { IsolatePool } from './isolation/isolate-pool.js';
import { type LoadedModule, loadModule, nameOf } from './isolation/load-module.js';
import type { ModuleJob, ModuleSettings } from './isolation/module-jobs.js';
import { startProcess } from './isolation/process-isolate.js';
import { startThread } from './isolation/thread-isolate.js';

const sizeMb = z.number().positive();

/** Where a module is and where it runs. */
const moduleSchema = z.strictObject({
  module: z
    .union([z.string().min(1), z.instanceof(URL)])
    .describe('Path of a JavaScript module, from the working directory, or its file: or data: URL.'),
  export: z.string().min(1).default('default').describe('Which export is the service.'),
  isolate: z
    .enum(['none', 'thread', 'process'])
    .default('none')
    .describe(
      'Where it runs: in this thread, in worker threads or in processes, one for each attempt at once.',
    ),
  resourceLimits: z
    .strictObject({
      maxOldGenerationSizeMb: sizeMb.optional().describe('Most heap, in MiB.'),
      maxYoungGenerationSizeMb: sizeMb.optional().describe('Most heap for short-lived objects, in MiB.'),
    })
    .optional()
    .describe("Limits of each thread or process. Default: Node's own."),
  env: z
    .record(z.string(), z.string())
    .optional()
    .describe(`Variables of the thread or process; \${env:NAME} in a value stands for one of ours.`),
  inheritEnv: z
    .array(z.string())
    .optional()
    .describe('Variables that it gets from us. Default: PATH, HOME, LANG, TMPDIR.'),
  execPath: z.string().min(1).optional().describe('The Node that runs a process. Default: this one.'),
  maxResultBytes: z
    .number()
    .int()
    .min(1)
    .default(16 * 1024 * 1024)
    .describe('Largest result, in bytes; it is cut off before it leaves a thread or process.'),
  now: z
    .custom<() => number>((value) => typeof value === 'function', 'expected a function')
    .optional()
    .describe('Monotonic milliseconds. Default: performance.now().'),
});

/** Options of {@link moduleService}, with the fields of a service beside them. */
export type ModuleServiceOptions = z.input<typeof moduleSchema> & Omit<Service, 'execute' | 'close'>;

type Module = z.output<typeof moduleSchema>;

/**
 * A service whose code is an export of a module: a function `(task, context)`, or an object with `execute` and perhaps
 * `close`. The module is loaded by the first task.
 *
 * - `isolate: 'none'`: in this thread. Fast, but code that never yields stops everything and cannot be ended.
 * - `'thread'`: in a worker thread. One that ignores the end of its attempt is ended within a second, a crash or an
 *   exhausted heap is `CRASHED`, and another is started.
 * - `'process'`: the same in a process with an environment of its own, and with it end all processes that it started.
 *
 * Between threads and processes only data travels (structured clone): a result with a function in it is
 * `UNSERIALISABLE`. After more than 5 crashes within 60 s it is `SERVICE_UNAVAILABLE` for a while.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example createOrchestrator({ services: { report: moduleService({ module: './report.js', isolate: 'thread' }) } })
 */
export function moduleService(options: ModuleServiceOptions): Service {
  const { description, keywords, capabilities, examples, concurrency, rateLimit, idempotent, ...own } =
    options;
  const fields = { description, keywords, capabilities, examples, concurrency, rateLimit, idempotent };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const module = parseOrMisuse(moduleSchema, own, 'moduleService()');
  const settings: ModuleSettings = {
    module: addressOf(module.module),
    export: module.export,
    maxResultBytes: module.maxResultBytes,
  };
  refuseWithoutEffect(module);
  return { ...given, ...(module.isolate === 'none' ? inThisThread(settings) : isolated(settings, module)) };
}

function inThisThread(settings: ModuleSettings): Pick<Service, 'execute' | 'close'> {
  let loaded: LoadedModule | undefined;
  // Node itself sees to it that the code runs once, however many attempts load it at the same time.
  const load = async (signal: AbortSignal): Promise<LoadedModule> => {
    loaded = await loadModule(settings);
    signal.throwIfAborted();
    return loaded;
  };
  return {
    execute: async (task, context) => {
      const { execute } = loaded ?? (await load(context.signal));
      return collectOutcome(execute(task, context), context, settings.maxResultBytes);
    },
    close: () => loaded?.close(),
  };
}

function isolated(settings: ModuleSettings, module: Module): Pick<Service, 'execute' | 'close'> {
  const what = `${module.isolate} of module "${nameOf(settings)}"`;
  const start = module.isolate === 'thread' ? inThread : inProcess;
  const pool = new IsolatePool<ModuleJob>({
    start: () => start(settings, module, what),
    what,
    now: module.now ?? (() => performance.now()),
  });
  return {
    execute: (task, context) => {
      const { signal, progress, log } = context;
      return pool.run(jobOf(task, context), { signal, progress, log });
    },
    close: () => pool.close(),
  };
}

function inThread(workerData: ModuleSettings, module: Module, what: string): Isolate {
  const entry = threadEntry(new URL('./isolation/module-thread-worker.js', import.meta.url));
  const resourceLimits = { ...module.resourceLimits } as ResourceLimits;
  return startThread({ entry, workerData, env: childEnvironment(module), resourceLimits, what });
}

function inProcess(settings: ModuleSettings, module: Module, what: string): Promise<Isolate> {
  const { maxOldGenerationSizeMb: oldMb, maxYoungGenerationSizeMb: youngMb } = module.resourceLimits ?? {};
  const flags = [
    ...(oldMb === undefined ? [] : [`--max-old-space-size=${Math.ceil(oldMb)}`]),
    // The young generation is made of three semi-spaces.
    ...(youngMb === undefined ? [] : [`--max-semi-space-size=${Math.ceil(youngMb / 3)}`]),
  ];
  const entry = processEntry(new URL('./isolation/module-process-worker.js', import.meta.url));
  return startProcess({
    file: module.execPath ?? process.execPath,
    args: [...flags, ...entry, JSON.stringify(settings)],
    env: childEnvironment(module),
    what,
  });
}

function jobOf(
  task: string,
  { kwargs, attempt, taskId, deadline, idempotencyKey }: ServiceContext,
): ModuleJob {
  return { task, kwargs, attempt, taskId, deadline, idempotencyKey };
}

/** A path is meant from the working directory at this moment, not at the moment of the first task. */
function addressOf(module: string | URL): string {
  const isAddress = module instanceof URL || /^(file|data):/i.test(module);
  const { href, protocol } = isAddress ? new URL(module) : pathToFileURL(resolve(module));
  if (protocol === 'file:' || protocol === 'data:') return href;
  throw misuse(`A module is loaded from a path, a file: or a data: URL; got "${href}".`);
}

/** An option that would do nothing is a misunderstanding about where the code runs. */
function refuseWithoutEffect(module: Module): void {
  const needs: readonly (readonly [keyof Module, readonly Module['isolate'][]])[] = [
    ['resourceLimits', ['thread', 'process']],
    ['env', ['thread', 'process']],
    ['inheritEnv', ['thread', 'process']],
    ['execPath', ['process']],
  ];
  for (const [option, places] of needs) {
    if (module[option] !== undefined && !places.includes(module.isolate)) {
      throw misuse(
        `"${option}" has no effect with isolate: "${module.isolate}"; set isolate to ${places.map((place) => `"${place}"`).join(' or ')}, or leave it out.`,
      );
    }
  }
}
