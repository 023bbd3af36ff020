import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { parseOrMisuse } from '../core/config.js';
import { misuse } from '../core/errors.js';
import { lazySchema } from '../core/lazy-schema.js';
import { listOf } from '../core/list-schema.js';
import type { Service } from '../core/service.js';
import type { ModuleSettings } from './isolation/module-jobs.js';
import type { ModulePlace, ModuleRunner } from './isolation/module-runner.js';
import { Lazy } from './lazy.js';
import { splitServiceFields } from './service-fields.js';

const sizeMb = () => z.number().positive();

/** Where a module is and where it runs. */
export const moduleOptionsSchema = lazySchema(() =>
  z.strictObject({
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
        maxOldGenerationSizeMb: sizeMb().optional().describe('Most heap, in MiB.'),
        maxYoungGenerationSizeMb: sizeMb().optional().describe('Most heap for short-lived objects, in MiB.'),
      })
      .optional()
      .describe("Limits of each thread or process. Default: Node's own."),
    env: z
      .record(z.string(), z.string())
      .optional()
      .describe(`Variables of the thread or process; \${env:NAME} in a value stands for one of ours.`),
    inheritEnv: listOf(z.string())
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
  }),
);

/** Options of {@link moduleService}, with the fields of a service beside them. */
export type ModuleServiceOptions = z.input<typeof moduleOptionsSchema> & Omit<Service, 'execute' | 'close'>;

type Module = z.output<typeof moduleOptionsSchema>;

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
  const { fields, own } = splitServiceFields(options);
  const module = parseOrMisuse(moduleOptionsSchema, own, 'moduleService()');
  const settings: ModuleSettings = {
    module: addressOf(module.module),
    export: module.export,
    maxResultBytes: module.maxResultBytes,
  };
  refuseWithoutEffect(module);
  return { ...fields, ...lazily(() => runnerOf(settings, module)) };
}

async function runnerOf(settings: ModuleSettings, module: ModulePlace): Promise<ModuleRunner> {
  const { inThisThread, isolated } = await import('./isolation/module-runner.js');
  return module.isolate === 'none' ? inThisThread(settings) : isolated(settings, module);
}

/**
 * What loads modules and starts threads and processes is loaded apart, and at once: the first task may come when nothing
 * can be loaded any more. A fault of it is told by the task that meets it.
 */
function lazily(start: () => Promise<ModuleRunner>): ModuleRunner {
  const runner = new Lazy(start);
  runner.get().catch(() => {});
  let running: ModuleRunner | undefined;
  return {
    execute: async (task, context) => {
      running ??= await runner.get();
      return running.execute(task, context);
    },
    close: async () => (await runner.made)?.close?.(),
  };
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
