import { setTimeout } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { systemEnvironment } from '../../src/core/clock.js';
import type { EngineOptions } from '../../src/core/engine-config.js';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, ExecutionConfig, type OrchestratorOptions } from '../../src/index.js';
import { startWorker, type Worker } from '../../src/worker.js';
import type { World, WorldOptions } from '../engines/contract/suite.js';
import type { TestServer } from './server.js';

/** How long anything may take that happens by itself, in milliseconds. */
const UNTIL_MS = 15_000;

/** How long is waited for what must not happen, in milliseconds. */
const REST_MS = 250;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Has something done after the test. */
export function afterTest(cleanUp: () => Promise<unknown>): void {
  cleanUps.push(cleanUp);
}

let namespaces = 0;

/** Of each namespace: what a worker has begun, only a worker at the same address goes on with. */
const ports = new Map<string | undefined, number>();

/** Options of an engine with a namespace of its own. What is left of it at the server is ended after the test. */
export function engineOn(server: TestServer): EngineOptions & { readonly kind: 'restate' } {
  namespaces += 1;
  const namespace = `test-${namespaces}`;
  // A server that the test has ended has nothing left.
  afterTest(() => endAll(server, namespace).catch(() => {}));
  const { ingressUrl, adminUrl } = server;
  return { kind: 'restate', ingressUrl, adminUrl, namespace };
}

/** Resolves once the condition holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + UNTIL_MS; !holds(); await setTimeout(5)) {
    if (Date.now() > endMs) throw new Error(`does not hold after ${UNTIL_MS} ms: ${holds}`);
  }
}

export async function rest(): Promise<void> {
  await setTimeout(REST_MS);
}

/** Starts a worker that ends after the test, unless it did before. */
export async function openWorker(
  engine: EngineOptions,
  { port = 0, ...options }: WorldOptions & { readonly port?: number } = {},
): Promise<Worker> {
  const worker = await startWorker({ ...asGiven(options), engine, port });
  afterTest(() => worker.close({ drainSeconds: 0 }));
  return worker;
}

/** An orchestrator with a worker of its own. */
export async function openWorld(engine: EngineOptions, options: WorldOptions = {}): Promise<World> {
  const world = openWithout(engine, options);
  const { namespace } = engine as { readonly namespace?: string };
  const worker = await openWorker(engine, { ...options, port: ports.get(namespace) ?? 0 });
  ports.set(namespace, Number(new URL(worker.url).port));
  return {
    ...world,
    runner: worker.orchestrator,
    async close() {
      await world.close();
      await worker.close({ drainSeconds: 0 });
    },
  };
}

/** An orchestrator whose attempts run where there is a worker. */
export function openWithout(engine: EngineOptions, options: WorldOptions = {}): World {
  const orchestrator = createOrchestrator({ ...asGiven(options), engine });
  const close = () => orchestrator.close({ drainSeconds: 0 });
  afterTest(close);
  const advance = async (ms: number): Promise<void> => setTimeout(ms);
  return { orchestrator, runner: orchestrator, advance, until, rest, close };
}

function asGiven({ config, ...others }: WorldOptions): Omit<OrchestratorOptions, 'engine'> {
  return {
    environment: { ...systemEnvironment(), random: () => 0.5 },
    log: silentLog,
    config: ExecutionConfig.create({ fallbackService: null, ...config }),
    ...others,
  };
}

async function endAll({ adminUrl }: TestServer, namespace: string): Promise<void> {
  const query = `select id from sys_invocation where target_service_name like '${namespace}.%' and status <> 'completed'`;
  const answer = await fetch(`${adminUrl}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(10_000),
  });
  const { rows } = (await answer.json()) as { readonly rows: readonly { readonly id: string }[] };
  const end = ({ id }: { readonly id: string }) =>
    fetch(`${adminUrl}/invocations/${id}/kill`, { method: 'PATCH', signal: AbortSignal.timeout(10_000) });
  await Promise.all(rows.map(end));
}
