import { fileURLToPath } from 'node:url';
import { messageOf } from '../../core/errors.js';
import type { ServiceFunction } from '../../core/service.js';
import { moduleUnusable } from './isolation-errors.js';

/** Which export of which module; plain data, so that it can be told to a thread or process. */
export interface ModuleAddress {
  /** An absolute address: `file:` or `data:`. */
  readonly module: string;
  readonly export: string;
}

/** A module's export in the shape of a service. */
export interface LoadedModule {
  readonly execute: ServiceFunction;
  readonly close: () => unknown;
}

/**
 * Imports a module and takes a service out of it: a function, or an object with `execute` and perhaps `close`.
 *
 * @throws OrchestratorError `SERVICE_UNAVAILABLE`, not retryable, naming module and export.
 */
export async function loadModule(address: ModuleAddress): Promise<LoadedModule> {
  const name = nameOf(address);
  const unusable = (why: string, cause?: unknown) => moduleUnusable(name, address.export, why, cause);
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = await import(address.module);
  } catch (cause) {
    throw unusable(`it could not be loaded: ${messageOf(cause)}`, cause);
  }
  if (!Object.hasOwn(exports, address.export)) {
    const names = Object.keys(exports).join(', ') || 'nothing';
    throw unusable(`the module exports ${names}; name one of these in "export".`);
  }
  const service = exports[address.export];
  if (typeof service === 'function') return { execute: service as ServiceFunction, close: () => {} };
  const { execute, close } = (service ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof execute !== 'function') {
    throw unusable('it is neither a function nor an object with a function execute(task, context).');
  }
  return {
    execute: (task, context) => execute.call(service, task, context),
    close: () => (typeof close === 'function' ? close.call(service) : undefined),
  };
}

/** The module as people know it: a path, or the beginning of an address that holds the code itself. */
export function nameOf({ module }: ModuleAddress): string {
  return module.startsWith('file:') ? fileURLToPath(module) : module.slice(0, 80);
}
