import type { InstanceState, ServiceStatus } from '../core/service.js';
import type { Crew } from './crew.js';

/**
 * What people are told of a service.
 *
 * @param toWallClock - Turns the clock's milliseconds into a moment, ISO 8601.
 */
export function statusOf(crew: Crew, toWallClock: (ms: number) => string): ServiceStatus {
  const { name, definition, circuit, concurrency, mailbox, completed, failed, lastError } = crew;
  const instances: Record<InstanceState, number> = { idle: 0, busy: 0, retrying: 0, failed: 0 };
  for (const { actor } of crew.instances) if (actor) instances[actor.getSnapshot().value] += 1;
  const { probesAtMs } = circuit;
  return {
    name,
    description: definition.profile.description ?? '',
    capabilities: definition.profile.capabilities ?? [],
    state: circuit.state === 'closed' ? worstOf(instances) : 'failed',
    instances,
    concurrency,
    queued: mailbox.size,
    completed,
    failed,
    lastError,
    retryAt: probesAtMs === null ? null : toWallClock(probesAtMs),
  };
}

function worstOf(instances: Readonly<Record<InstanceState, number>>): InstanceState {
  if (instances.retrying > 0) return 'retrying';
  return instances.busy > 0 ? 'busy' : 'idle';
}
