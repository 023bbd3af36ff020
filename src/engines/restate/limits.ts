import type { EngineLimits, LimitChange } from '../../core/engine.js';
import { finiteOrNull } from '../../core/finite-or-null.js';
import { limitKeyOf, type Names } from './protocol.js';

/** Limits as the server names them; null is no limit. */
export function limitsOf({ scope }: Names, change: LimitChange): ReadonlyMap<string, number | null> {
  return 'service' in change
    ? new Map([[`${scope}/${limitKeyOf(change.service)}`, finiteOrNull(change.concurrency)]])
    : new Map([[scope, finiteOrNull(change.maxParallel)]]);
}

/** As {@link limitsOf}, of all limits. */
export function allLimitsOf(names: Names, { maxParallel, services }: EngineLimits) {
  const limits = new Map(limitsOf(names, { maxParallel }));
  for (const [service, concurrency] of services) {
    for (const [pattern, limit] of limitsOf(names, { service, concurrency })) limits.set(pattern, limit);
  }
  return limits;
}
