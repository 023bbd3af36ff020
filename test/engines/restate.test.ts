import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { engineOptionsSchema } from '../../src/core/engine-config.js';
import { silentLog } from '../../src/core/environment.js';
import { provideWithResolvers } from '../../src/engines/restate/promise-with-resolvers.js';
import type { AttemptMessage, AttemptOutcome } from '../../src/engines/restate/protocol.js';
import { loadSdk } from '../../src/engines/restate/sdk.js';
import { WorkerEngine } from '../../src/engines/restate/worker-engine.js';
import { createOrchestrator, type OrchestratorOptions } from '../../src/index.js';
import { startWorker, type WorkerOptions } from '../../src/worker.js';
import { manualService } from '../support/simulation.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** What a server answers: by the start of `METHOD /path`; null is never. */
type Answers = Readonly<
  Record<string, { readonly status?: number; readonly body?: unknown } | null | undefined>
>;

const READY: Answers = {
  'GET /version': { body: { version: '1.7.12', features: { vqueues: true, protocol_v7: true } } },
  'PUT /limits/rules': {},
  'POST /deployments': { status: 201 },
  'POST /gaffr.shelf/probe/find': {},
};

/** A server that says what it is told to, and nothing else. */
async function serving(answers: Answers): Promise<string> {
  const server = createServer(({ method, url }, response) => {
    const asked = `${method} ${url}`;
    const known = Object.keys(answers).find((start) => asked.startsWith(start));
    const answer = known === undefined ? { status: 404 } : answers[known];
    if (!answer) return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body ?? null));
  });
  return listening(server);
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer();
  const url = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

/** Where most tasks are handed over. */
const HANDED = '/restate/scope/gaffr/send/gaffr.attempt/first';

/** The end of a task as the server keeps it. */
const ENDED = {
  fingerprint: '',
  result: {
    taskId: 'theirs',
    status: 'completed',
    serviceName: 'echo',
    success: true,
    result: 'done',
    error: null,
    errorCode: null,
    errorDetails: null,
    executionTime: 0,
    queueTime: 0,
    attempts: 1,
    route: null,
  },
};

const LIMIT_SECONDS = 0.3;
const engineAt = (url: string) =>
  ({ kind: 'restate', ingressUrl: url, adminUrl: url, timeoutSeconds: LIMIT_SECONDS }) as const;

/** Starts a worker; rejects with why it does not start, and how long that took is checked. */
async function startAt(url: string, options: Partial<WorkerOptions> = {}): Promise<never> {
  const startedMs = Date.now();
  try {
    const worker = await startWorker({
      services: { echo: (task) => task },
      engine: engineAt(url),
      port: 0,
      log: silentLog,
      ...options,
    });
    cleanUps.push(() => worker.close());
  } finally {
    expect(Date.now() - startedMs).toBeLessThan(3000);
  }
  throw new Error('the worker has started');
}

const unavailable = (...words: string[]) => ({
  code: 'ENGINE_UNAVAILABLE',
  message: expect.stringMatching(new RegExp(words.join('.*'))),
});

describe('the start of a worker', () => {
  it('fault J9: fails with a clear error when nobody listens', async () => {
    await expect(startAt(await nobody())).rejects.toMatchObject(
      unavailable('The Restate server at http://127.0.0.1:', 'does not answer', 'ECONNREFUSED'),
    );
  });

  it('fault J9: names the admin interface that does not answer, and speaks of no task', async () => {
    const adminUrl = await nobody();
    const engine = { ...engineAt('http://127.0.0.1:1'), adminUrl };
    const refusal = await startAt('', { engine }).catch((cause: Error) => cause.message);
    expect(refusal).toMatch(
      new RegExp(`^The Restate server at ${adminUrl} does not answer .* \\(gaffr: --admin\\)\\.$`),
    );
    expect(refusal).not.toContain('accepted');
  });

  it('fault J9: fails within its time limit when nothing is answered, whichever question it is', async () => {
    for (const question of Object.keys(READY)) {
      const url = await serving({ ...READY, [question]: null });
      await expect(startAt(url)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    }
    expect(engineOptionsSchema.parse({ kind: 'restate' })).toMatchObject({ timeoutSeconds: 10 });
  });

  it.each([
    ['1.7.3', false],
    ['1.7.12-rc.1', true],
    ['1.6.99', false],
    ['1.10.0', true],
    ['2.0.0', true],
    ['', false],
    ['latest', false],
  ])(
    'fault J9: of a server with version "%s" thinks that it is new enough: %s',
    async (version, isEnough) => {
      const url = await serving({
        ...READY,
        'GET /version': { body: { version, features: {} } },
      });
      const words = isEnough
        ? ['RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7=true', 'RESTATE_EXPERIMENTAL_ENABLE_VQUEUES=true']
        : version === ''
          ? ['when asked for its version']
          : [`has version ${version}`, '1.7.12 or later'];
      await expect(startAt(url)).rejects.toMatchObject(unavailable(...words));
    },
  );

  it('fault J9: tells a server that is none of Restate', async () => {
    await expect(startAt(await serving({}))).rejects.toMatchObject(
      unavailable('answered 404 when asked for its version'),
    );
  });

  it('fault J9: names the address that the server cannot reach', async () => {
    const body = { message: 'error when calling it: Connection refused' };
    const refused = await serving({ ...READY, 'POST /deployments': { status: 400, body } });
    const url = 'http://workers.internal:9080';
    await expect(startAt(refused, { url })).rejects.toMatchObject(
      unavailable(`did not take the worker at ${url}: ${body.message}`),
    );
    const silent = await serving({ ...READY, 'POST /gaffr.shelf/probe/find': null });
    await expect(startAt(silent, { url })).rejects.toMatchObject(
      unavailable(`gets no answer from the worker at ${url} within ${LIMIT_SECONDS} s`, '--url'),
    );
  });

  it('fault J9: provides what Node 20 lacks, and keeps what is there', async () => {
    const promises: { withResolvers?: () => { promise: Promise<string>; resolve(value: string): void } } = {};
    provideWithResolvers(promises);
    const { promise, resolve } = promises.withResolvers?.call(Promise) ?? {};
    resolve?.('done');
    expect(await promise).toBe('done');
    const own = { withResolvers: () => 'own' };
    provideWithResolvers(own);
    expect(own.withResolvers()).toBe('own');
    await loadSdk();
    expect(typeof (Promise as { withResolvers?: unknown }).withResolvers).toBe('function');
  });

  it('says how to install the SDK when it is not there', async () => {
    const absent = '@restatedev/sdk-that-is-not-there';
    await expect(loadSdk(() => import(/* @vite-ignore */ absent))).rejects.toMatchObject({
      code: 'MISSING_PACKAGE',
      message: expect.stringContaining('npm install @restatedev/restate-sdk'),
    });
    const fault = new SyntaxError('broken package');
    await expect(loadSdk(() => Promise.reject(fault))).rejects.toBe(fault);
  });

  it('says that the port is taken', async () => {
    const taken = await listening(createServer());
    await expect(startAt(await serving(READY), { port: Number(new URL(taken).port) })).rejects.toMatchObject(
      unavailable(`cannot listen on ${new URL(taken).host}`, 'EADDRINUSE', '--port'),
    );
  });

  it.each<[string, Partial<WorkerOptions>, string]>([
    ['another engine', { engine: { kind: 'local' } }, 'The engine "local" has no workers'],
    ['a port that is none', { port: 70_000 }, 'port must be a whole number from 0 to 65535; got 70000'],
    ['a namespace that is none', { engine: { kind: 'restate', namespace: 'a.b' } }, 'namespace'],
    ['an address that is none', { engine: { kind: 'restate', adminUrl: 'here' } }, 'adminUrl'],
    [
      'an option that is none',
      { engine: { kind: 'restate', path: 'x' } as unknown as WorkerOptions['engine'] },
      'path',
    ],
    ['a limit of time that is none', { engine: { kind: 'restate', timeoutSeconds: 0 } }, 'timeoutSeconds'],
  ])('refuses %s, as a misuse', async (_, options, words) => {
    await expect(startAt('http://127.0.0.1:1', options)).rejects.toThrow(TypeError);
    await expect(startAt('http://127.0.0.1:1', options)).rejects.toThrow(words);
  });

  it('closes its services when it fails', async () => {
    let isClosed = false;
    const service = {
      execute: (task: string) => task,
      close: () => {
        isClosed = true;
      },
    };
    await expect(startAt(await nobody(), { services: { service } })).rejects.toThrow();
    expect(isClosed).toBe(true);
  });
});

describe('an orchestrator without its server', () => {
  const open = (url: string, options: OrchestratorOptions = {}) => {
    const orchestrator = createOrchestrator({
      services: { echo: (task) => task },
      engine: engineAt(url),
      log: silentLog,
      ...options,
    });
    cleanUps.push(() => orchestrator.close({ drainSeconds: 0 }));
    return orchestrator;
  };

  it('refuses tasks within the time limit', async () => {
    const startedMs = Date.now();
    const results = await open(await nobody()).executeParallel(['a', 'b']);
    expect(results.map(({ status, errorCode }) => [status, errorCode])).toEqual(
      Array(2).fill(['rejected', 'ENGINE_UNAVAILABLE']),
    );
    expect(results[0]?.error).toContain('Nothing was accepted for sure');
    expect(Date.now() - startedMs).toBeLessThan(2000);
  });

  it('says that no worker has come yet', async () => {
    const url = await serving({
      [`POST ${HANDED}`]: { status: 404, body: { message: 'not found' } },
    });
    expect(await open(url).execute('x')).toMatchObject({
      status: 'rejected',
      error: expect.stringContaining('start one with gaffr worker --engine restate'),
    });
  });

  it('cancels a task at once that the server never had', async () => {
    const orchestrator = open(await serving({ [`POST ${HANDED}`]: null }));
    const handle = orchestrator.submit('x');
    handle.cancel('enough');
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(await orchestrator.execute('y', { signal: AbortSignal.abort() })).toMatchObject({
      status: 'cancelled',
    });
  });

  it('hears of ends also through a proxy that speaks HTTP/1.1 alone', async () => {
    const { result } = ENDED;
    const url = await serving({
      [`POST ${HANDED}`]: { status: 202, body: { invocationId: 'inv_1', status: 'Accepted' } },
      'GET /restate/invocation/inv_1/attach': { body: { result, fingerprint: '' } },
    });
    expect(await open(url).execute('x', { taskId: 'mine' })).toEqual({ ...result, taskId: 'mine' });
  });

  it('asks again for an end as long as the server has none to tell', async () => {
    let asked = 0;
    const server = createHttp2Server((request, response) => {
      asked += 1;
      if (request.url !== '/prefix/restate/invocation/inv_1/attach') response.stream.close(8);
      else if (asked === 1) response.stream.session?.destroy();
      else if (asked === 2) response.writeHead(503).end('going down');
      else response.end(JSON.stringify(ENDED));
    });
    const ends = await listening(server as unknown as Server);
    const send = await serving({
      [`POST /prefix${HANDED}`]: {
        status: 202,
        body: { invocationId: 'inv_1', status: 'Accepted' },
      },
    });
    // One address for both, as a server has it.
    const door = createTcpServer((socket) => {
      socket.once('data', (first: Buffer) => {
        const other = connectTcp(
          Number(new URL(first.toString('latin1').startsWith('PRI') ? ends : send).port),
        );
        other.write(first);
        socket.pipe(other).pipe(socket);
        for (const end of [socket, other]) end.on('error', () => {});
      });
    });
    const url = await listening(door as unknown as Server);
    expect(await open(`${url}/prefix`).execute('x', { taskId: 'mine' })).toMatchObject({
      taskId: 'mine',
      result: 'done',
    });
    expect(asked).toBe(3);
  });

  it('follows a task to what goes on with it, however long the server is away before that arrives', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    cleanUps.push(() => vi.useRealTimers());
    let asked = 0;
    const server = createServer(({ url }, response) => {
      const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
      if (url?.startsWith(HANDED)) answer(202, { invocationId: 'inv_1', status: 'Accepted' });
      else if (url?.includes('inv_1')) answer(200, { goesOnAs: 'inv_2' });
      else {
        asked += 1;
        if (asked === 1) {
          vi.setSystemTime(Date.now() + 3_600_000);
          response.destroy();
        } else if (asked === 2) answer(404, { message: 'not found' });
        else answer(200, ENDED);
      }
    });
    expect(await open(await listening(server)).execute('x')).toMatchObject({ result: 'done' });
    expect(asked).toBe(3);
  });

  it('says when it could not stop what goes on with a task that was cancelled', async () => {
    const warn = vi.fn();
    let tellOfCancel = (): void => {};
    const cancelled = new Promise<void>((resolve) => {
      tellOfCancel = resolve;
    });
    const server = createServer(async ({ url }, response) => {
      const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
      if (url?.startsWith(HANDED)) answer(202, { invocationId: 'inv_1', status: 'Accepted' });
      else if (url === '/invocations/inv_1/cancel') {
        answer(202, null);
        tellOfCancel();
      } else if (url?.includes('inv_1')) {
        await cancelled;
        answer(200, { goesOnAs: 'inv_2' });
      } else response.destroy();
    });
    const orchestrator = open(await listening(server), { log: { ...silentLog, warn } });
    const handle = orchestrator.submit('x', { taskId: 'mine' });
    await handle.accepted();
    handle.cancel('enough');
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    await vi.waitFor(() =>
      expect(warn).toHaveBeenCalledWith(
        expect.objectContaining({ taskId: 'mine' }),
        expect.stringContaining('may go on'),
      ),
    );
  });

  it('refuses what is no JSON before the server hears of it', async () => {
    const orchestrator = open(await nobody());
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    for (const kwargs of [circle, { n: 1n }, { when: new Date() }, { map: new Map() }, { nan: Number.NaN }]) {
      expect(await orchestrator.execute('x', { kwargs })).toMatchObject({
        status: 'rejected',
        errorCode: 'INVALID_INPUT',
      });
    }
  });

  it('closes at once, and answers what was on its way', async () => {
    const orchestrator = open(await serving({ [`POST ${HANDED}`]: null }), {
      engine: { ...engineAt(await serving({ [`POST ${HANDED}`]: null })), timeoutSeconds: 60 },
    });
    const results = [orchestrator.execute('a'), orchestrator.execute('b', { idempotencyKey: 'k' })];
    await new Promise((resolve) => setImmediate(resolve));
    const startedMs = Date.now();
    await orchestrator.close({ drainSeconds: 0 });
    expect(Date.now() - startedMs).toBeLessThan(2000);
    const told = await Promise.all(results);
    // The server may not have them: nothing is promised.
    expect(told.map(({ errorCode, errorDetails }) => [errorCode, errorDetails])).toEqual(
      Array(2).fill(['SHUTTING_DOWN', null]),
    );
  });
});

describe('an attempt in a worker', () => {
  const message: AttemptMessage = {
    number: 1,
    startedId: null,
    task: {
      id: 't',
      text: 'x',
      service: 'only',
      route: {
        service: 'only',
        confidence: 1,
        usedFallback: false,
        outcome: 'explicit',
        why: 'named by the caller',
        ranked: [],
      },
      isIdempotent: true,
      acceptedAtMs: Date.now(),
      fingerprint: '',
      settings: {
        service: 'only',
        kwargs: null,
        priority: 0,
        timeoutMs: 60_000,
        queueTimeoutMs: null,
        deadlineMs: null,
        maxRetries: 0,
        idempotencyKey: null,
      },
    },
  };

  const openWorker = (
    services: OrchestratorOptions['services'] & object,
    serverUrl = 'http://127.0.0.1:1',
  ) => {
    const options = engineOptionsSchema.parse(engineAt(serverUrl));
    if (options.kind !== 'restate') throw new Error('the options are of the engine restate');
    const worker = new WorkerEngine(options, { log: silentLog, failsWhenUnavailable: false });
    const orchestrator = createOrchestrator({ services, engine: worker, log: silentLog });
    cleanUps.push(() => orchestrator.close({ drainSeconds: 0 }));
    const visit = (signal = new AbortController().signal): Promise<AttemptOutcome> =>
      worker.visit(message, signal);
    return { worker, orchestrator, visit };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const until = (condition: () => boolean) => expect.poll(condition).toBe(true);

  it('fault J8: that the server gave up gets its signal, also when it had not begun, and is told as no end', async () => {
    const service = manualService();
    const { visit, orchestrator } = openWorker({ only: { service, concurrency: 1 } });
    const server = new AbortController();
    const running = visit(server.signal);
    await turn();
    const waiting = visit(server.signal);
    server.abort(new Error('the leader moved'));
    await expect(running).rejects.toThrow('the leader moved');
    await expect(waiting).rejects.toThrow('the leader moved');
    expect(service.calls).toHaveLength(1);
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
    expect(orchestrator.stats()).toMatchObject({ running: 0, abandoned: 1 });
    await expect(visit(AbortSignal.abort(new Error('gone before')))).rejects.toThrow('gone before');
    expect(service.calls).toHaveLength(1);
  });

  it('is handed back by a worker that stops, unless it has begun', async () => {
    const service = manualService();
    const { worker, visit, orchestrator } = openWorker({
      only: { service, concurrency: 1 },
    });
    const server = new AbortController();
    const first = visit(server.signal);
    await turn();
    server.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    // Its code goes on in spite of its signal, and keeps the one instance.
    const waiting = visit();
    await turn();
    worker.stop();
    expect(await visit()).toMatchObject({ kind: 'not-now' });
    await orchestrator.close({ drainSeconds: 0 });
    expect(await waiting).toMatchObject({ kind: 'not-now' });
    expect(service.calls).toHaveLength(1);
  });

  it('that has begun when a worker stops is told as no end', async () => {
    const service = manualService();
    const { worker, visit, orchestrator } = openWorker({ only: service });
    const running = visit();
    running.catch(() => {});
    await turn();
    worker.stop();
    await orchestrator.close({ drainSeconds: 0 });
    await expect(running).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
  });

  it('waits when the server lets more begin than the limits allow, as it does when a node has failed', async () => {
    const service = manualService();
    const url = await serving({ 'POST /gaffr.shelf/limits': { body: '1' } });
    const { visit, orchestrator } = openWorker({ only: { service, concurrency: 1 } }, url);
    const [first, second] = [visit(), visit()];
    await until(() => service.calls.length === 1);
    await turn();
    expect(orchestrator.stats()).toMatchObject({ running: 1, queued: 1 });
    service.open()[0]?.resolve('one');
    expect(await first).toMatchObject({ kind: 'ended', result: { result: 'one' } });
    await until(() => service.calls.length === 2);
    service.open()[0]?.resolve('two');
    expect(await second).toMatchObject({ kind: 'ended', result: { result: 'two' } });
  });

  it('begins beyond the limit that this process knows when another process has raised it', async () => {
    const service = manualService();
    const url = await serving({ 'POST /gaffr.shelf/limits': { body: '2' } });
    const { visit, orchestrator } = openWorker({ only: { service, concurrency: 1 } }, url);
    void visit();
    void visit();
    await until(() => service.calls.length === 2);
    expect(orchestrator.listServices()[0]?.concurrency).toBe(2);
    for (const call of service.open()) call.resolve();
  });

  it('of a service that is not there ends the task', async () => {
    const { visit } = openWorker({ other: (task) => task });
    expect(await visit()).toMatchObject({
      kind: 'ended',
      result: { status: 'rejected', errorCode: 'UNKNOWN_SERVICE' },
    });
  });

  it('is not taken from callers of the worker itself', async () => {
    const { orchestrator } = openWorker({ only: (task) => task });
    expect(await orchestrator.execute('x')).toMatchObject({
      status: 'rejected',
      errorCode: 'INVALID_INPUT',
      error: expect.stringContaining('submit them to an orchestrator with the same engine'),
    });
  });
});
