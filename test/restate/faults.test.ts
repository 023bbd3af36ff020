import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../src/core/engine-config.js';
import type { ServiceInput } from '../../src/index.js';
import { manualService } from '../support/simulation.js';
import { freePort, startServer, type TestServer } from './server.js';
import { afterTest, engineOn, openWithout, openWorker, openWorld, rest, until } from './world.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

/** The services of `worker-process.mjs`, for orchestrators: what they do is said there. */
const ELSEWHERE: Record<string, ServiceInput> = {
  safe: { service: () => 'not here', idempotent: true },
  once: () => 'not here',
};

describe('workers', () => {
  it('fault J7: a task of an idempotent service runs again when its worker is killed, one of another is interrupted', async () => {
    const engine = engineOn(server);
    const { orchestrator } = openWithout(engine, { services: ELSEWHERE });
    const port = await freePort();
    const { worker, starts } = await startWorkerProcess(engine, port);
    const safe = orchestrator.execute('1500', { service: 'safe' });
    const once = orchestrator.execute('1500', { service: 'once' });
    await until(() => starts().length === 2);
    worker.kill('SIGKILL');
    const second = await startWorkerProcess(engine, port);
    const startedMs = Date.now();
    expect(await once).toMatchObject({ status: 'interrupted', errorCode: 'INTERRUPTED', attempts: 1 });
    expect(await safe).toMatchObject({ result: `safe ${second.worker.pid}`, attempts: 1 });
    expect(Date.now() - startedMs).toBeLessThan(5000);
    expect(second.starts()).toEqual(['safe 1']);
  });

  it('hand the attempts that are running back when they are drained', async () => {
    const engine = engineOn(server);
    const service = manualService();
    const services = { only: { service, idempotent: true } };
    const port = await freePort();
    const first = await openWorker(engine, { services, port });
    const { orchestrator } = openWithout(engine, { services });
    const result = orchestrator.execute('x');
    await until(() => service.calls.length === 1);
    await first.close({ drainSeconds: 0.1 });
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
    await rest();
    expect(service.calls).toHaveLength(1);
    await openWorker(engine, { services, port });
    await until(() => service.calls.length === 2);
    service.calls[1]?.resolve('done');
    expect(await result).toMatchObject({ result: 'done', attempts: 1 });
  });

  it('let the server have the outcome of what ends during their drain', async () => {
    const engine = engineOn(server);
    const service = manualService();
    const port = await freePort();
    const worker = await openWorker(engine, { services: { only: service }, port });
    const { orchestrator } = openWithout(engine, { services: { only: service } });
    const result = orchestrator.execute('x');
    await until(() => service.calls.length === 1);
    const closing = worker.close({ drainSeconds: 10 });
    await rest();
    service.calls[0]?.resolve('done');
    await closing;
    // The task goes on where a worker is; an attempt of it is not made again.
    await openWorker(engine, { services: { only: service }, port });
    expect(await result).toMatchObject({ status: 'completed', result: 'done', attempts: 1 });
    expect(service.calls).toHaveLength(1);
  });
});

describe('a server that goes away', () => {
  it('fault J7: amid a load, for five seconds: every task is answered, none is lost and none runs too many', async () => {
    let running = 0;
    let peak = 0;
    const execute = async (task: string): Promise<string> => {
      running += 1;
      peak = Math.max(peak, running);
      await setTimeout(20);
      running -= 1;
      return task;
    };
    // Under load a server may take ten seconds until it takes tasks again.
    const engine = { ...engineOn(server), timeoutSeconds: 40 };
    const { orchestrator } = await openWorld(engine, {
      services: { only: { service: execute, idempotent: true } },
      config: { maxParallel: 5 },
    });
    const tasks = Array.from({ length: 200 }, (_, number) => `${number}`);
    const results = tasks.map((task) => orchestrator.execute(task));
    await setTimeout(500);
    const isBack = server.killAndStart(5000);
    await setTimeout(4000);
    const late = tasks.map((task) => orchestrator.execute(`late ${task}`));
    server = await isBack;
    const ended = await Promise.all([...results, ...late]);
    const wrong = ended.filter(({ success }) => !success).map(({ status, error }) => `${status}: ${error}`);
    expect(wrong).toEqual([]);
    expect(ended.map(({ result }) => result)).toEqual([...tasks, ...tasks.map((task) => `late ${task}`)]);
    expect(peak).toBeLessThanOrEqual(5);
  });

  it('fault J8: an attempt that it gave up gets its signal, and is made again with the same number', async () => {
    const own = await startServer();
    afterTest(() => own.stop());
    const service = manualService();
    const engine = { ...engineOn(own), timeoutSeconds: 40 };
    const { orchestrator, runner } = await openWorld(engine, {
      services: { only: { service, idempotent: true } },
      config: { maxParallel: 1 },
    });
    const result = orchestrator.execute('x');
    await until(() => service.calls.length === 1);
    const back = await own.killAndStart();
    afterTest(() => back.stop());
    await until(() => service.calls[0]?.context.signal.aborted === true);
    service.calls[0]?.resolve('too late');
    await until(() => service.calls.length === 2);
    expect(runner.stats()).toMatchObject({ running: 1, abandoned: 0 });
    expect(service.calls[1]?.context.attempt).toBe(1);
    service.calls[1]?.resolve('done');
    expect(await result).toMatchObject({ result: 'done', attempts: 1 });
  });

  it('refuses tasks, and tells cancels, within the time limit; a close takes about a second', async () => {
    const own = await startServer();
    afterTest(() => own.stop());
    const service = manualService();
    const engine = { ...engineOn(own), timeoutSeconds: 1.5 };
    const { orchestrator } = await openWorld(engine, { services: { only: service } });
    const running = orchestrator.submit('running');
    const other = orchestrator.submit('other');
    await until(() => service.calls.length === 2);
    process.kill(own.pid as number, 'SIGKILL');
    await own.ended;
    const startedMs = Date.now();
    running.cancel();
    const [refused, cancelled] = await Promise.all([orchestrator.execute('late'), running.result()]);
    expect(refused).toMatchObject({ status: 'rejected', errorCode: 'ENGINE_UNAVAILABLE' });
    expect(cancelled.status).toBe('cancelled');
    expect(Date.now() - startedMs).toBeLessThan(2500);
    const last = orchestrator.execute('last');
    const closedMs = Date.now();
    await orchestrator.close({ drainSeconds: 0 });
    expect(Date.now() - closedMs).toBeLessThan(1500);
    expect(await last).toMatchObject({ status: 'cancelled', errorCode: 'SHUTTING_DOWN', errorDetails: null });
    expect(await other.result()).toMatchObject({ status: 'cancelled', errorDetails: { kept: true } });
  });
});

describe('loads', () => {
  it('a thousand tasks of one orchestrator need few connections, and none is left at the end', async () => {
    const engine = engineOn(server);
    const connections = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
    const before = connections();
    const { orchestrator, close } = await openWorld(engine, {
      services: { only: (task) => task },
      config: { maxParallel: 50 },
    });
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, connections());
    }, 20);
    const tasks = Array.from({ length: 1000 }, (_, number) => `${number}`);
    const startedMs = Date.now();
    const results = await orchestrator.executeParallel(tasks);
    clearInterval(looking);
    const seconds = (Date.now() - startedMs) / 1000;
    process.stdout.write(
      `restate: 1,000 tasks at once in ${seconds.toFixed(1)} s over ${most} connections\n`,
    );
    expect(results.map(({ result }) => result)).toEqual(tasks);
    // A connection for every task were 1,000 and more.
    expect(most).toBeLessThan(300);
    await close();
    await until(() => connections() <= before);
  });

  it('a storm of cancels lets none run too many, and every task is answered', async () => {
    const engine = engineOn(server);
    let running = 0;
    let peak = 0;
    const execute = async (task: string, { signal }: { readonly signal: AbortSignal }): Promise<string> => {
      running += 1;
      peak = Math.max(peak, running);
      await setTimeout(40, undefined, { signal }).finally(() => {
        running -= 1;
      });
      return task;
    };
    const { orchestrator, runner } = await openWorld(engine, {
      services: { only: execute },
      config: { maxParallel: 4 },
    });
    const handles = Array.from({ length: 150 }, (_, number) => orchestrator.submit(`${number}`));
    const isLeft = (number: number): boolean => number % 3 === 0;
    for (const [number, handle] of handles.entries()) {
      if (!isLeft(number)) void setTimeout((number * 37) % 1500).then(() => handle.cancel('storm'));
    }
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(peak).toBe(4);
    expect(results.filter(({ success }, number) => isLeft(number) && !success)).toEqual([]);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['completed', 'cancelled']));
    // Every slot is free again.
    const after = await Promise.all(Array.from({ length: 8 }, () => orchestrator.execute('after')));
    expect(after.every(({ success }) => success)).toBe(true);
    await until(() => runner.stats().running === 0);
  });

  it('namespaces at one server know nothing of each other', async () => {
    const names = ['one', 'two'];
    const worlds = await Promise.all(
      names.map((name) =>
        openWorld(engineOn(server), { services: { who: () => name }, config: { maxParallel: 1 } }),
      ),
    );
    const results = await Promise.all(
      worlds.map(({ orchestrator }) => orchestrator.execute('x', { idempotencyKey: 'k' })),
    );
    expect(results.map(({ result }) => result)).toEqual(names);
  });

  it('a result of 7 MB passes, one above maxRecordBytes fails, and a task above it is refused', async () => {
    const engine = engineOn(server);
    const { orchestrator } = await openWorld(engine, {
      services: { big: (task) => 'x'.repeat(Number(task)), length: (task) => task.length },
      config: { maxRetries: 0 },
    });
    const [seven, nine] = await Promise.all(
      ['7000000', '9000000'].map((size) => orchestrator.execute(size, { service: 'big' })),
    );
    expect(String(seven?.result)).toHaveLength(7_000_000);
    expect(nine).toMatchObject({ status: 'failed', errorCode: 'RESULT_TOO_LARGE' });
    const long = (length: number) => orchestrator.execute('x'.repeat(length), { service: 'length' });
    expect((await long(7_000_000)).result).toBe(7_000_000);
    expect(await long(9_000_000)).toMatchObject({ status: 'rejected', errorCode: 'INVALID_INPUT' });
  });
});

/** Starts `worker-process.mjs`; resolves once the server reaches it. `starts`: which attempts have begun in it. */
async function startWorkerProcess(
  engine: EngineOptions,
  port: number,
): Promise<{ readonly worker: ChildProcess; readonly starts: () => string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-worker-'));
  const log = join(folder, 'log');
  writeFileSync(log, '');
  const program = fileURLToPath(new URL('worker-process.mjs', import.meta.url));
  const worker = spawn(
    process.execPath,
    ['--no-warnings', '--import', 'tsx', program, JSON.stringify(engine), log, `${port}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  afterTest(async () => {
    worker.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await once(worker.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  return { worker, starts: () => readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}
