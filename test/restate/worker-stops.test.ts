import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, ExecutionConfig, type ServiceInput } from '../../src/index.js';
import { startWorker } from '../../src/worker.js';
import { freePort, startServer, type TestServer } from './server.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

it('a worker that stops begins nothing more, and what it did not begin is not interrupted', async () => {
  const begun: string[] = [];
  const services: Record<string, ServiceInput> = {
    unsafe: async (task: string, { signal }) => {
      begun.push(task);
      await sleep(Number(task.split(' ')[1]), undefined, { signal });
      return task;
    },
  };
  const { ingressUrl, adminUrl } = server;
  const engine = { kind: 'restate', ingressUrl, adminUrl } as const;
  const config = ExecutionConfig.create({ maxParallel: 3, fallbackService: null });
  const options = { services, engine, config, log: silentLog };
  const workerOptions = { ...options, port: await freePort() };
  const first = await startWorker(workerOptions);
  const orchestrator = createOrchestrator(options);
  const tasks = ['long 1500', 'a 300', 'b 300', 'c 50', 'd 50'];
  const results = orchestrator.executeParallel(tasks.map((task) => ({ task, service: 'unsafe' })));
  await expect.poll(() => begun.length).toBe(3);
  await first.close({ drainSeconds: 5 });
  const begunByFirst = [...begun];
  const second = await startWorker(workerOptions);
  const ends = (await results).map(({ status }, index) => [tasks[index], status]);
  expect(ends.slice(3)).toEqual([
    ['c 50', 'completed'],
    ['d 50', 'completed'],
  ]);
  expect(begunByFirst).toHaveLength(3);
  expect([...begun].sort()).toEqual([...tasks].sort());
  await orchestrator.close();
  await second.close();
});
