import { existsSync } from 'node:fs';
import type { EngineOptions } from '../../core/engine-config.js';
import type { Log } from '../../core/environment.js';
import type { Orchestrator } from '../../orchestrator.js';
import { asEngineError } from '../engine-flags.js';
import { BusyError, ConfigurationError } from '../exit-code.js';
import type { TaskDesk } from './task-desk.js';

/** Lets `gaffr tasks` reach the tasks of this process while it runs; does nothing without a journal. */
export async function openTaskDoor(
  orchestrator: Orchestrator,
  engine: EngineOptions | undefined,
  log: Log,
): Promise<{ close(): void }> {
  if (engine?.kind !== 'journal') return { close: () => {} };
  const { openDoor } = await import('./door.js');
  const { kept } = orchestrator;
  const desk: TaskDesk = {
    list: async (filter) => kept.list(toFilter(filter)),
    find: async (taskId) => kept.find(taskId),
    cancel: async (taskId, reason) => orchestrator.cancel(taskId, new Error(reason)),
    retry: (taskId) => kept.retry(taskId),
    close: () => {},
  };
  return openDoor(engine.path, desk, log);
}

/**
 * The tasks of a journal: those of the process that has it, else those of the file.
 *
 * @throws ConfigurationError when there is no such file or it cannot be opened, BusyError when a process has it that does
 * not answer.
 */
export async function openDesk(engine: Extract<EngineOptions, { kind: 'journal' }>): Promise<TaskDesk> {
  const { path } = engine;
  if (!existsSync(path)) {
    throw new ConfigurationError(
      `There is no journal "${path}"; name that of --engine journal by --journal FILE.`,
    );
  }
  const { JournalFile } = await import('../../engines/journal/journal-file.js');
  const { engineOptionsSchema } = await import('../../core/engine-config.js');
  const options = engineOptionsSchema.parse(engine);
  if (options.kind !== 'journal') throw new ConfigurationError('Only a journal keeps tasks.');
  try {
    const file = new JournalFile(options);
    return {
      list: async (filter) => file.list(toFilter(filter)),
      find: async (taskId) => file.find(taskId),
      cancel: (taskId, reason) => file.cancel(taskId, reason).catch(refuse),
      retry: (taskId) => file.retry(taskId).catch(refuse),
      close: () => file.close(),
    };
  } catch (cause) {
    const told = asEngineError(cause);
    if (!(told instanceof BusyError)) throw told;
    const { deskBehind } = await import('./door.js');
    const desk = deskBehind(path);
    // A library's process has no door.
    await desk.find('-').catch(() => {
      throw told;
    });
    return desk;
  }
}

/** What cannot be written, on a full disk for instance. */
function refuse(cause: unknown): never {
  throw asEngineError(cause);
}

function toFilter({ which, most }: Parameters<TaskDesk['list']>[0]) {
  return { ...(which !== undefined && { which }), ...(most !== undefined && { most }) };
}
