import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateServer } from '../../src/engines/restate/restate-server.js';
import type { ServiceInput, TaskOptions } from '../../src/index.js';
import type { WorldOptions } from '../engines/contract/suite.js';
import { startServer, type TestServer } from './server.js';
import { engineOn, openWithout, openWorld, rest } from './world.js';

let server: TestServer;
let asked: RestateServer;

beforeAll(async () => {
  server = await startServer();
  asked = new RestateServer({ ...server, timeoutMs: 10_000 });
}, 60_000);

afterAll(async () => {
  await asked.close();
  await server.stop();
});

/** Fails as often as it is told to. */
const flaky: ServiceInput = {
  service: (task, { attempt, kwargs }) => {
    if (attempt <= Number(kwargs.failures ?? 0)) throw new Error('not yet');
    return task;
  },
  idempotent: true,
};

describe('the first attempt of a task', () => {
  it.each<readonly [string, TaskOptions, readonly string[]]>([
    ['is the whole task when it is the only one', {}, ['attempt/first']],
    [
      'is followed by another invocation when it fails',
      { kwargs: { failures: 1 } },
      ['attempt/first', 'task/run'],
    ],
    ['is watched by another invocation when there is a deadline', { deadlineSeconds: 60 }, ['task/run']],
    ['has another invocation before it under a key of the caller', { idempotencyKey: 'k' }, ['task/run']],
    ['has it too when that key looks like one of MCP', { idempotencyKey: 'run:42' }, ['task/run']],
    [
      'is the whole task under the key of a run',
      { idempotencyKey: `run:${randomUUID()}:0` },
      ['attempt/first'],
    ],
  ])('%s', async (_, options, expected) => {
    const engine = engineOn(server);
    const { orchestrator } = await openWorld(engine, { services: { flaky } });
    const result = await orchestrator.execute('work', { service: 'flaky', ...options });
    expect(result).toMatchObject({ status: 'completed', result: 'work' });
    expect(await invocationsOf(engine.namespace ?? '')).toEqual(expected);
  });

  it('may be over when the cancel comes: then the invocation that goes on with the task is stopped', async () => {
    const engine = engineOn(server);
    let begun = 0;
    const failing: ServiceInput = {
      service: () => {
        begun += 1;
        throw new Error('no');
      },
      idempotent: true,
    };
    const { orchestrator } = await openWorld(engine, {
      services: { failing },
      config: { maxParallel: 64, maxRetries: 100, backoffBaseSeconds: 0.02, backoffCapSeconds: 0.05 },
    });
    const results = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const handle = await orchestrator.submit(`t${index}`, { service: 'failing' });
        await setTimeout(index);
        orchestrator.cancel(handle.taskId);
        return handle.result();
      }),
    );
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['cancelled']));
    // What was on its way arrives.
    await rest();
    await rest();
    const before = begun;
    await rest();
    expect(begun).toBe(before);
    expect(await openOf(engine.namespace ?? '')).toEqual([]);
  });

  it('may be over when cancels of two processes come at once: nothing goes on', async () => {
    const engine = engineOn(server);
    const options: WorldOptions = {
      services: { flaky },
      config: { maxParallel: 64, maxRetries: 100, backoffBaseSeconds: 1 },
    };
    const { orchestrator } = await openWorld(engine, options);
    const { orchestrator: other } = openWithout(engine, options);
    await Promise.all(
      Array.from({ length: 96 }, async (_, index) => {
        await setTimeout(index * 5);
        const keyed = {
          service: 'flaky',
          kwargs: { failures: 100 },
          idempotencyKey: `run:${randomUUID()}:0`,
        };
        const handles = [orchestrator.submit('work', keyed), other.submit('work', keyed)] as const;
        await Promise.all(handles.map((handle) => handle.accepted()));
        await setTimeout(index % 12);
        orchestrator.cancel(handles[0].taskId);
        other.cancel(handles[1].taskId);
        const results = await Promise.all(handles.map((handle) => handle.result()));
        expect(results.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
      }),
    );
    // What was on its way arrives.
    await rest();
    await rest();
    expect(await openOf(engine.namespace ?? '')).toEqual([]);
  });

  it('may be over when another process comes with the key of the run: it follows what goes on, or stops it', async () => {
    const engine = engineOn(server);
    const options: WorldOptions = {
      services: { flaky },
      config: { maxRetries: 1, backoffBaseSeconds: 1, backoffCapSeconds: 1 },
    };
    const { orchestrator } = await openWorld(engine, options);
    const { orchestrator: other } = openWithout(engine, options);
    const keyed = () => ({
      service: 'flaky',
      kwargs: { failures: 1 },
      idempotencyKey: `run:${randomUUID()}:0`,
    });
    const [followed, stopped] = [keyed(), keyed()];
    const results = [orchestrator.execute('work', followed), orchestrator.execute('work', stopped)];
    await expect.poll(() => invocationsOf(engine.namespace ?? '')).toContain('task/run');
    await rest();
    const joined = other.execute('work', followed);
    const leaving = other.submit('work', stopped);
    await leaving.accepted();
    leaving.cancel('enough');
    expect(await leaving.result()).toMatchObject({ status: 'cancelled' });
    expect(await results[1]).toMatchObject({ status: 'cancelled', attempts: 1 });
    const ends = await Promise.all([results[0], joined]);
    expect(ends).toMatchObject(Array(2).fill({ status: 'completed', result: 'work', attempts: 2 }));
    expect(ends[0]?.executionTime).toBeGreaterThan(0.45);
  });
});

/** What the server keeps of a namespace: service and handler of each invocation. */
async function invocationsOf(namespace: string): Promise<string[]> {
  const rows = await asked.query(
    `select target_service_name || '/' || target_handler_name as target from sys_invocation where target_service_name like '${namespace}.%' and target_service_name <> '${namespace}.shelf'`,
  );
  return rows.map(({ target }) => String(target).slice(namespace.length + 1)).sort();
}

async function openOf(namespace: string): Promise<unknown[]> {
  return [
    ...(await asked.query(
      `select id, target, status from sys_invocation where target_service_name like '${namespace}.%' and status <> 'completed' and target_service_name <> '${namespace}.shelf'`,
    )),
  ];
}
