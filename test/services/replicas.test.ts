import { describe, expect, it, vi } from 'vitest';
import { ExecutionConfig, OrchestratorError, replicated } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';

const world = (count: number) => {
  const services = Array.from({ length: count }, manualService);
  let nowMs = 0;
  const service = replicated(services, { now: () => nowMs, concurrency: 10 });
  const { orchestrator, advance } = simulated({
    services: { pool: service },
    config: ExecutionConfig.create({ fallbackService: null, maxParallel: 10, backoffBaseSeconds: 0.01 }),
  });
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
    await advance(ms);
  };
  return { services, orchestrator, pass };
};

describe('replicated()', () => {
  it('gives the next attempt to the replica with the least in flight', async () => {
    const { services, orchestrator } = world(3);
    void orchestrator.executeParallel(['a', 'b', 'c', 'd']);
    await drained();
    expect(services.map(({ calls }) => calls.length).sort()).toEqual([1, 1, 2]);
  });

  it('prefers the quicker of two', async () => {
    const { services, orchestrator, pass } = world(2);
    void orchestrator.executeParallel(['a', 'b']);
    await pass(10);
    services[0]?.calls[0]?.resolve();
    await drained();
    await pass(90);
    services[1]?.calls[0]?.resolve();
    await drained();
    void orchestrator.executeParallel(['c', 'd', 'e']);
    await drained();
    expect(services.map(({ open }) => open().length)).toEqual([3, 0]);
  });

  it('tries another replica after a failure, and comes back to one that recovered', async () => {
    const { services, orchestrator, pass } = world(2);
    const first = orchestrator.execute('a');
    await drained();
    services[0]?.calls[0]?.reject(new Error('down'));
    await pass(20);
    expect(services[1]?.calls).toHaveLength(1);
    await pass(80);
    services[1]?.calls[0]?.resolve('instead');
    expect((await first).result).toBe('instead');
    await pass(60_000);
    void orchestrator.execute('b');
    await drained();
    expect(services[0]?.open()).toHaveLength(1);
  });

  it('does not hold a refusal against a replica', async () => {
    const { services, orchestrator, pass } = world(2);
    void orchestrator.executeParallel(['a', 'b']);
    await pass(10);
    services[0]?.calls[0]?.reject(new OrchestratorError('INVALID_INPUT', 'no'));
    await pass(10);
    services[1]?.calls[0]?.resolve();
    await drained();
    void orchestrator.execute('c');
    await drained();
    expect(services[0]?.open()).toHaveLength(1);
  });

  it('closes every replica, and refuses what is none', async () => {
    const close = vi.fn();
    const { orchestrator } = simulated({
      services: {
        pool: replicated([
          { execute: () => 1, close },
          { execute: () => 2, close },
        ]),
      },
    });
    await orchestrator.close({ drainSeconds: 0 });
    expect(close).toHaveBeenCalledTimes(2);
    expect(() => replicated([])).toThrow(/at least one/);
    expect(() => replicated([{} as never])).toThrow(/Replica 1/);
  });
});
