import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, ExecutionConfig, type ServiceInput } from '../../src/index.js';
import { startWorker } from '../../src/worker.js';
import { startServer, type TestServer } from './server.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

it('more tasks than the server runs invocations at once do not stand in the way of their own attempts', async () => {
  const services: Record<string, ServiceInput> = { upper: (task: string) => task.toUpperCase() };
  const { ingressUrl, adminUrl } = server;
  const options = {
    services,
    engine: { kind: 'restate', ingressUrl, adminUrl, timeoutSeconds: 60 },
    config: ExecutionConfig.create({ maxParallel: 16, fallbackService: null }),
    log: silentLog,
  } as const;
  const worker = await startWorker({ ...options, port: 0 });
  const orchestrator = createOrchestrator(options);
  // A thousand fill the server; a stall of those that wait would last a minute. A deadline is watched by an invocation.
  const tasks = Array.from({ length: 1200 }, (_, index) => ({
    task: `t${index}`,
    service: 'upper',
    deadlineSeconds: 300,
  }));
  let mostSockets = 0;
  const timer = setInterval(() => {
    const sockets = process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket'));
    mostSockets = Math.max(mostSockets, sockets.length);
  }, 20);
  const results = await orchestrator.executeParallel(tasks);
  clearInterval(timer);
  expect(results.map(({ result }) => result)).toEqual(tasks.map(({ task }) => task.toUpperCase()));
  // Of this process: the orchestrator's and the worker's.
  expect(mostSockets).toBeLessThan(250);
  await orchestrator.close();
  await worker.close();
}, 50_000);
