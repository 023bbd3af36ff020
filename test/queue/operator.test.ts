import { expect, it } from 'vitest';
import type { RuntimeEvent } from '../../src/core/events.js';
import { ExecutionConfig } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';

const config = (fields: Parameters<typeof ExecutionConfig.create>[0] = {}) =>
  ExecutionConfig.create({ fallbackService: null, maxParallel: 1, ...fields });

it('Orchestrator.cancel() answers a waiting, a running and a retrying task by its id', async () => {
  const service = manualService();
  const { orchestrator, advance } = simulated({ services: { service }, config: config() });
  const running = orchestrator.submit('runs');
  const waiting = orchestrator.submit('waits');
  await drained();

  expect(orchestrator.cancel(waiting.taskId, 'not needed')).toBe(true);
  expect((await waiting.result()).error).toContain('not needed');
  expect(orchestrator.cancel(running.taskId)).toBe(true);
  expect((await running.result()).status).toBe('cancelled');
  service.open()[0]?.resolve();

  const retrying = orchestrator.submit('fails once');
  await drained();
  service.open()[0]?.reject(new Error('no luck'));
  await drained();
  expect(retrying.status()).toBe('retrying');
  expect(orchestrator.cancel(retrying.taskId)).toBe(true);
  expect((await retrying.result()).status).toBe('cancelled');
  await advance(60_000);
  expect(service.open()).toEqual([]);
});

it('Orchestrator.cancel() finds a task that was submitted in the same turn', async () => {
  const { orchestrator } = simulated({ services: { service: manualService() }, config: config() });
  const task = orchestrator.submit('just now');

  expect(orchestrator.cancel(task.taskId)).toBe(true);
  expect((await task.result()).status).toBe('cancelled');
});

it('Orchestrator.cancel() says when no open task has the id', async () => {
  const { orchestrator } = simulated({ services: { quick: () => 'done' }, config: config() });
  const { taskId } = await orchestrator.execute('quick');

  expect(orchestrator.cancel(taskId)).toBe(false);
  expect(orchestrator.cancel('never heard of')).toBe(false);
});

it('Orchestrator.resetCircuit() lets a service work again at once', async () => {
  const service = manualService();
  const { orchestrator } = simulated({
    services: { service },
    config: config({ maxRetries: 0, circuitFailures: 1, onUnavailable: 'wait' }),
  });
  const events: RuntimeEvent[] = [];
  orchestrator.on('event', (event) => events.push(event));
  const broken = orchestrator.execute('breaks');
  await drained();
  service.open()[0]?.reject(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' }));
  await broken;
  const waiting = orchestrator.execute('waits for the circuit');
  await drained();
  expect(orchestrator.listServices()[0]?.state).toBe('failed');
  expect(service.open()).toEqual([]);

  orchestrator.resetCircuit('service');
  await drained();
  expect(orchestrator.listServices()[0]?.state).toBe('busy');
  service.open()[0]?.resolve('works');
  expect(await waiting).toMatchObject({ status: 'completed', result: 'works' });
  expect(events.flatMap((event) => (event.type === 'circuit' ? event.state : []))).toEqual([
    'open',
    'closed',
  ]);
});

it('Orchestrator.resetCircuit() closes a half-open circuit, and its probe decides nothing any more', async () => {
  const service = manualService();
  const { orchestrator, advance } = simulated({
    services: { service },
    config: config({ maxRetries: 0, circuitFailures: 1, onUnavailable: 'wait', circuitCooldownSeconds: 5 }),
  });
  const fault = () => Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
  const broken = orchestrator.execute('breaks');
  await drained();
  service.open()[0]?.reject(fault());
  await broken;
  const probe = orchestrator.execute('probes');
  await advance(6000);
  expect(service.open()).toHaveLength(1);

  orchestrator.resetCircuit('service');
  service.open()[0]?.reject(fault());
  await probe;
  expect(orchestrator.listServices()[0]).toMatchObject({ state: 'idle', retryAt: null });
});

it('Orchestrator.resetCircuit() names a service that is not registered', () => {
  const { orchestrator } = simulated({ services: { chat: () => '' } });

  expect(() => orchestrator.resetCircuit('chatt')).toThrow(/no service "chatt".*known: chat/);
});

it("the event 'accepted' tells the text of every task before any other event of it", async () => {
  const { orchestrator } = simulated({ services: { echo: (task: string) => task }, config: config() });
  const told: string[] = [];
  orchestrator.on('accepted', ({ taskId, task, service }) => told.push(`${taskId} ${task} ${service}`));
  orchestrator.on('event', (event) => 'taskId' in event && told.push(`${event.taskId} ${event.type}`));

  await orchestrator.execute('first', { service: 'echo' });
  await orchestrator.executeParallel(['second']);
  expect(told.slice(0, 2)).toEqual(['t1 first echo', 't1 submitted']);
  expect(told).toContain('t2 second null');
});
