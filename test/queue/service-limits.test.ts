import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/index.js';

describe('limits of a service', () => {
  it('ends an attempt at the timeoutSeconds of its service, when the task allows more', async () => {
    const slow = { execute: () => new Promise(() => {}), timeoutSeconds: 0.02, maxRetries: 0 };
    const orchestrator = createOrchestrator({ services: { slow } });
    const result = await orchestrator.execute('x', { service: 'slow' });
    expect(result).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT', attempts: 1 });
    expect(result.error).toContain('(0.02 s)');
    await orchestrator.close({ drainSeconds: 0 });
  });

  it('retries as often as both the task and the service allow', async () => {
    let calls = 0;
    const failing = () => {
      calls += 1;
      throw new Error('no');
    };
    const config = { taskConfig: { backoffBaseSeconds: 0.001, maxRetries: 2 } };
    const services = {
      never: { service: failing, maxRetries: 0 },
      often: { service: failing, maxRetries: 9 },
    };
    const orchestrator = createOrchestrator({ services, config });
    expect(await orchestrator.execute('x', { service: 'never' })).toMatchObject({ attempts: 1 });
    expect(await orchestrator.execute('x', { service: 'often' })).toMatchObject({ attempts: 3 });
    expect(calls).toBe(4);
    await orchestrator.close();
  });

  it.each([{ timeoutSeconds: 0 }, { timeoutSeconds: Number.NaN }, { maxRetries: -1 }, { maxRetries: 1.5 }])(
    'refuses %j',
    (limits) => {
      const service = () => null;
      expect(() => createOrchestrator({ services: { a: { service, ...limits } } })).toThrow(
        /of "a" is not valid/,
      );
    },
  );
});
