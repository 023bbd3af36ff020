import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/orchestrator.js';

/** An orchestrator and what its watcher was told. */
function watched() {
  const orchestrator = createOrchestrator({ services: { echo: (task) => task } });
  const told: (string | null)[] = [];
  const end = orchestrator.watch((service) => told.push(service));
  return { orchestrator, told, end };
}

describe('Orchestrator.watch()', () => {
  it('tells of the service that works', async () => {
    const { orchestrator, told } = watched();
    await orchestrator.execute('a', { service: 'echo' });
    expect(told).toContain('echo');
    await orchestrator.close();
  });

  it.each<[string, (orchestrator: ReturnType<typeof createOrchestrator>) => unknown, string | null]>([
    ['pause', (orchestrator) => orchestrator.pause(), null],
    ['resume', (orchestrator) => orchestrator.resume(), null],
    ['another maxParallel', (orchestrator) => orchestrator.setMaxParallel(2), null],
    ['another concurrency', (orchestrator) => orchestrator.setConcurrency('echo', 2), 'echo'],
    ['a service that comes', (orchestrator) => orchestrator.registry.register('late', () => 1), 'late'],
    ['a service that goes', (orchestrator) => orchestrator.registry.unregister('echo'), 'echo'],
  ])('tells of %s', async (_what, change, expected) => {
    const { orchestrator, told } = watched();
    change(orchestrator);
    expect(told).toEqual([expected]);
    await orchestrator.close();
  });

  it('ends one listener and leaves the other', async () => {
    const { orchestrator, told, end } = watched();
    const others: (string | null)[] = [];
    orchestrator.watch((service) => others.push(service));
    end();
    end();
    orchestrator.pause();
    expect({ told, others }).toEqual({ told: [], others: [null] });
    await orchestrator.close();
  });

  it('promise C14 goes on when a listener throws', async () => {
    const { orchestrator, told } = watched();
    orchestrator.watch(() => {
      throw new Error('no');
    });
    expect((await orchestrator.execute('a', { service: 'echo' })).success).toBe(true);
    expect(told.length).toBeGreaterThan(0);
    await orchestrator.close();
  });
});
