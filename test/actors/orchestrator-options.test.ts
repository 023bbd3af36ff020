import { describe, expect, it } from 'vitest';
import { misuse } from '../../src/core/errors.js';
import { createOrchestrator, type OrchestratorOptions, ServiceRegistry } from '../../src/index.js';

const services = { echo: (task: string) => task };

describe('createOrchestrator()', () => {
  it.each<[object, string]>([
    [{ maxParallel: 1 }, 'An orchestrator has no option "maxParallel"; put it under config.taskConfig.'],
    [
      { confidenceThreshold: 0.6 },
      'An orchestrator has no option "confidenceThreshold"; put it under config.routingConfig.',
    ],
    [
      { constructor: 1 },
      'An orchestrator has no option "constructor"; its options are services, registry, config, strategy, engine, log, environment, inspect, fastLane, tracing, keepEvents.',
    ],
    [
      { registry: new ServiceRegistry() },
      'An orchestrator is made of services or of a registry, and got both; leave services out and register them in the registry.',
    ],
  ])('refuses %j beside services, and says what to do', (options, message) => {
    expect(() => createOrchestrator({ services, ...options } as OrchestratorOptions)).toThrow(
      misuse(message),
    );
  });

  it('takes options that are undefined as not said', async () => {
    const said: Record<string, unknown> = { registry: undefined, config: undefined, maxParallel: undefined };
    const orchestrator = createOrchestrator({ services, ...said });
    expect(await orchestrator.execute('hi')).toMatchObject({ result: 'hi' });
    await orchestrator.close();
  });
});
