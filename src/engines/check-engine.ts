import type { TaskConfig } from '../core/config.js';
import type { Engine } from '../core/engine.js';
import { engineCannot } from '../core/errors.js';

/**
 * Sees to it that an engine can do what is configured.
 *
 * @throws TypeError that names the first thing it cannot do.
 */
export function checkEngine(
  { kind, capabilities }: Engine,
  taskConfig: TaskConfig,
  services: Iterable<{ readonly name: string; readonly rateLimit: unknown }>,
): void {
  if (capabilities.pausing) return;
  const refuse = (what: string): never => {
    throw cannotHoldBack(kind, what);
  };
  if (taskConfig.startPaused) refuse('startPaused');
  if (taskConfig.rateLimit !== undefined) refuse('rateLimit');
  for (const { name, rateLimit } of services)
    if (rateLimit !== null) refuse(`rateLimit of service "${name}"`);
}

/** A misuse: starts cannot be held back. */
export function cannotHoldBack(kind: string, what: string): TypeError {
  return engineCannot(
    kind,
    `cannot hold starts back (${what})`,
    'lower maxParallel or concurrency, or use the engine local or journal',
  );
}
