import type { ResourceLimits } from 'node:worker_threads';
import type { Service, ServiceContext } from '../../core/service.js';
import { isLargerThan, previewOf } from '../../core/size.js';
import { type ChildEnvironment, childEnvironment } from '../child-environment.js';
import { collectOutcome } from './collect-outcome.js';
import { processEntry, threadEntry } from './entry-file.js';
import type { Isolate } from './isolate.js';
import { IsolatePool } from './isolate-pool.js';
import { valueTooLarge } from './isolation-errors.js';
import { type LoadedModule, loadModule, nameOf } from './load-module.js';
import type { ModuleJob, ModuleSettings } from './module-jobs.js';
import { startProcess } from './process-isolate.js';
import { startThread } from './thread-isolate.js';

/** What runs the tasks of a module. */
export type ModuleRunner = Pick<Service, 'execute' | 'close'>;

/** Where a module runs, and within which limits. */
export interface ModulePlace extends ChildEnvironment {
  readonly isolate: 'none' | 'thread' | 'process';
  /** In MiB. */
  readonly resourceLimits?:
    | {
        readonly maxOldGenerationSizeMb?: number | undefined;
        readonly maxYoungGenerationSizeMb?: number | undefined;
      }
    | undefined;
  /** The Node that runs a process. Default: this one. */
  readonly execPath?: string | undefined;
  /** Monotonic milliseconds. Default: `performance.now()`. */
  readonly now?: (() => number) | undefined;
}

/** Runs the module here. */
export function inThisThread(settings: ModuleSettings): ModuleRunner {
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
      const value = await collectOutcome(execute(task, context), context, settings.maxResultBytes);
      if (isLargerThan(value, settings.maxResultBytes)) {
        throw valueTooLarge(settings.maxResultBytes, previewOf(value));
      }
      return value;
    },
    close: () => loaded?.close(),
  };
}

/** Runs the module in threads or processes. */
export function isolated(settings: ModuleSettings, module: ModulePlace): ModuleRunner {
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

function inThread(workerData: ModuleSettings, module: ModulePlace, what: string): Isolate {
  const entry = threadEntry(new URL('./module-thread-worker.js', import.meta.url));
  const resourceLimits = { ...module.resourceLimits } as ResourceLimits;
  return startThread({ entry, workerData, env: childEnvironment(module), resourceLimits, what });
}

function inProcess(settings: ModuleSettings, module: ModulePlace, what: string): Promise<Isolate> {
  const { maxOldGenerationSizeMb: oldMb, maxYoungGenerationSizeMb: youngMb } = module.resourceLimits ?? {};
  const flags = [
    ...(oldMb === undefined ? [] : [`--max-old-space-size=${Math.ceil(oldMb)}`]),
    // The young generation is made of three semi-spaces.
    ...(youngMb === undefined ? [] : [`--max-semi-space-size=${Math.ceil(youngMb / 3)}`]),
  ];
  const entry = processEntry(new URL('./module-process-worker.js', import.meta.url));
  return startProcess({
    file: module.execPath ?? process.execPath,
    args: [...flags, ...entry, JSON.stringify(settings)],
    env: childEnvironment(module),
    what,
  });
}

function jobOf(
  task: string,
  { kwargs, attempt, taskId, deadline, idempotencyKey, traceparent }: ServiceContext,
): ModuleJob {
  return { task, kwargs, attempt, taskId, deadline, idempotencyKey, traceparent };
}
