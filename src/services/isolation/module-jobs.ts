import type { ServiceContext } from '../../core/service.js';
import { collectOutcome } from './collect-outcome.js';
import { type LoadedModule, loadModule, type ModuleAddress } from './load-module.js';
import type { JobServer } from './serve-jobs.js';

/** One attempt, as it crosses the border. */
export interface ModuleJob
  extends Pick<
    ServiceContext,
    'kwargs' | 'attempt' | 'taskId' | 'deadline' | 'idempotencyKey' | 'traceparent'
  > {
  readonly task: string;
}

/** What a thread or process for a module is told when it is started. */
export interface ModuleSettings extends ModuleAddress {
  readonly maxResultBytes: number;
}

/** Runs the attempts of a module, which is loaded by the first one. */
export function moduleJobs(settings: ModuleSettings, exit: () => void): Omit<JobServer<ModuleJob>, 'begin'> {
  let loading: Promise<LoadedModule> | undefined;
  let isLoaded = false;
  return {
    maxResultBytes: settings.maxResultBytes,
    run: async ({ task, ...fields }, hooks) => {
      loading ??= loadModule(settings);
      const { execute } = await loading;
      isLoaded = true;
      const context = { ...fields, ...hooks };
      return collectOutcome(execute(task, context), context, settings.maxResultBytes);
    },
    close: async () => {
      try {
        await (await loading)?.close();
      } finally {
        exit();
      }
    },
    // An import that failed is remembered by Node: only a fresh thread or process sees a mended file.
    isUnusable: () => !isLoaded,
  };
}
