import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, type Orchestrator, type ServiceInput } from '../../src/index.js';
import { startWorker, type Worker } from '../../src/worker.js';
import { startServer, type TestServer } from './server.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

describe('tasks at a Restate server', () => {
  it('run in a worker, and their ends are told', async () => {
    const services: Record<string, ServiceInput> = { upper: (task: string) => task.toUpperCase() };
    const engine = { kind: 'restate', ingressUrl: server.ingressUrl, adminUrl: server.adminUrl } as const;
    const worker: Worker = await startWorker({ services, engine, port: 0, log: silentLog });
    const orchestrator: Orchestrator = createOrchestrator({ services, engine, log: silentLog });
    expect(await orchestrator.execute('hello', { service: 'upper' })).toMatchObject({
      result: 'HELLO',
      attempts: 1,
    });
    await orchestrator.close();
    await worker.close();
  });
});
