import { expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, type Service } from '../../src/index.js';

/** A service that learns later what it can do. */
function learner() {
  const listeners = new Set<() => void>();
  let tools: Service['tools'] = [];
  const service: Service = {
    execute: () => 'learned',
    get tools() {
      return tools ?? [];
    },
    onProfileChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const learn = (description: string): void => {
    tools = [{ name: 'tool', description }];
    for (const listener of listeners) listener();
  };
  return { service, learn, listeners };
}

it('ServiceRegistry follows a service whose profile changes, without replacing it', async () => {
  const { service, learn, listeners } = learner();
  let closes = 0;
  const learns = { ...service, close: () => (closes += 1) };
  Object.defineProperty(learns, 'tools', { get: () => service.tools });
  const orchestrator = createOrchestrator({
    services: { learns, chat: () => 'chat', other: { execute: () => 'other', keywords: ['x'] } },
    log: silentLog,
    config: { routingConfig: { confidenceThreshold: 0.3 } },
  });
  const definition = orchestrator.registry.get('learns');
  expect(await orchestrator.execute('weigh a parcel')).toMatchObject({ serviceName: 'chat' });
  learn('Weigh a parcel.');
  expect(await orchestrator.execute('weigh a parcel')).toMatchObject({ serviceName: 'learns' });
  expect(orchestrator.registry.get('learns')).toBe(definition);
  await orchestrator.close({ drainSeconds: 0 });
  expect(closes).toBe(1);

  orchestrator.registry.unregister('learns');
  expect(listeners.size).toBe(0);
});

it('ServiceRegistry survives a service that cannot tell of changes, and a listener that throws', () => {
  const { service, learn } = learner();
  const { registry } = createOrchestrator({ services: { service }, log: silentLog });
  registry.on('profile', () => {
    throw new Error('a listener of the test');
  });
  const broken: Service = {
    execute: () => 0,
    onProfileChange: () => {
      throw new Error('cannot tell');
    },
  };
  registry.register('broken', broken);
  learn('Anything.');
  expect(registry.profiles().get('service')?.tools).toEqual([{ name: 'tool', description: 'Anything.' }]);
});
