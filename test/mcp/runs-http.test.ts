import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { OrchestratorPort } from '../../src/core/orchestrator-port.js';
import {
  createMcpHttpHandler,
  type McpHttpHandler,
  type McpHttpOptions,
} from '../../src/mcp/http/handler.js';
import { failedResult, fakeOrchestrator, taskResult } from '../support/fake-orchestrator.js';
import { until } from '../support/http-server.js';

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Held {
  readonly task: string;
  readonly signal: AbortSignal;
  readonly idempotencyKey: string | undefined;
  progress(fraction: number, message: string): void;
  finish(): void;
}

interface Face {
  readonly url: URL;
  readonly clock: SimulatedClock;
  readonly held: Held[];
  readonly handler: McpHttpHandler;
}

/** A real server whose tasks end when the test says so, and whose time stands still until it does. The token names its bearer. */
async function serve(options: Partial<McpHttpOptions> = {}): Promise<Face> {
  const clock = new SimulatedClock();
  const held: Held[] = [];
  const execute: OrchestratorPort['execute'] = (task, { signal, onProgress, idempotencyKey } = {}) =>
    new Promise((resolve) => {
      if (signal === undefined) throw new Error('no signal');
      signal.addEventListener('abort', () =>
        resolve(failedResult({ status: 'cancelled', errorCode: 'CANCELLED' })),
      );
      held.push({
        task,
        signal,
        idempotencyKey,
        progress: (fraction, message) => onProgress?.(fraction, message),
        finish: () => resolve(taskResult({ result: `done ${task}` })),
      });
    });
  const handler = createMcpHttpHandler(fakeOrchestrator({ execute }), {
    auth: { verify: async (token) => ({ principal: token }) },
    clock,
    ...options,
  });
  const server: Server = createServer((request, response) => void handler.node(request, response));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(async () => {
    await handler.close();
    server.closeAllConnections();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  return { url, clock, held, handler };
}

interface Answer {
  readonly isError?: boolean | undefined;
  readonly content?: unknown;
  readonly structuredContent?: unknown;
}

type Call = (
  name: string,
  args: Record<string, unknown>,
  options?: { readonly signal?: AbortSignal; readonly timeout?: number },
) => Promise<Answer>;

type Open = (url: URL, who?: string) => Promise<Call>;

const headersOf = (who: string) => ({ headers: { authorization: `Bearer ${who}` } });

const openV1: Open = async (url, who = 'alice') => {
  const client = new V1Client({ name: 'v1', version: '1' });
  const transport = new V1Transport(url, { requestInit: headersOf(who) });
  await client.connect(transport as unknown as Transport);
  closing.push(() => client.close());
  // The list makes the client check every answer by its schema.
  await client.listTools();
  return async (name, args, options) =>
    (await client.callTool({ name, arguments: args }, undefined, options)) as Answer;
};

const openModern =
  (mode: 'legacy' | 'auto'): Open =>
  async (url, who = 'alice') => {
    const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: headersOf(who) }));
    closing.push(() => client.close());
    await client.listTools();
    return (name, args, options) => client.callTool({ name, arguments: args }, options);
  };

const runOf = ({ structuredContent }: Answer) =>
  structuredContent as { readonly runId: string; readonly status: string };

const CLIENTS: readonly [string, Open][] = [
  ['SDK v1', openV1],
  ['SDK v2, legacy', openModern('legacy')],
  ['SDK v2, auto', openModern('auto')],
];

describe.each(CLIENTS)('over HTTP, a client of %s', (_name, open) => {
  it('fault C13 finds a task of 10 minutes again by its runId, with its result, after it gave up', async () => {
    const { url, clock, held } = await serve();
    const call = await open(url);
    const first = call('execute', { task: 'long' }, { timeout: 60_000 });
    await until(() => held.length === 1, 'the task');
    held[0]?.progress(0.1, 'page 1 of 10');
    clock.increment(45_000);
    const { runId, status } = runOf(await first);
    expect(status).toBe('running');
    // A poll that its client gives up changes nothing.
    const poll = call('getRun', { runId }, { timeout: 50 });
    await expect(poll).rejects.toThrow();
    clock.increment(9 * 60_000 + 15_000);
    const again = await open(url);
    const running = again('getRun', { runId, waitSeconds: 0 });
    expect(await running).toMatchObject({
      isError: false,
      structuredContent: { runId, status: 'running', progress: 0.1, message: 'page 1 of 10' },
    });
    held[0]?.finish();
    expect(await again('getRun', { runId })).toMatchObject({
      isError: false,
      structuredContent: { runId, status: 'completed', result: 'done long' },
    });
    expect(held[0]?.signal.aborted).toBe(false);
  });

  it('waits by getRun for the end of batches, too', async () => {
    const { url, held } = await serve();
    const call = await open(url);
    const { runId } = runOf(await call('execute', { task: 'a', waitSeconds: 0 }));
    const poll = call('getRun', { runId, waitSeconds: 50 });
    await until(() => held.length === 1, 'the task');
    held[0]?.finish();
    expect(await poll).toMatchObject({ structuredContent: { runId, result: 'done a' } });
    for (const [name, args] of [
      ['executeParallel', { tasks: ['a', 'b'] }],
      ['executeSubtasks', { subtasks: [{ task: 'a' }] }],
    ] as const) {
      const batch = runOf(await call(name, { ...args, waitSeconds: 0 }));
      expect(batch.status).toBe('running');
      expect(await call('getRun', { runId: batch.runId })).toMatchObject({
        structuredContent: { runId: batch.runId, status: 'completed', failed: 0 },
      });
    }
  });

  it('stops a run by cancelRun, as often as it likes', async () => {
    const { url, held } = await serve();
    const call = await open(url);
    const { runId } = runOf(await call('execute', { task: 'a', waitSeconds: 0 }));
    expect(await call('cancelRun', { runId, reason: 'not wanted' })).toMatchObject({
      isError: false,
      structuredContent: { runId, status: 'cancelled', wasRunning: true },
    });
    expect(held[0]?.signal.reason).toMatchObject({ message: 'not wanted' });
    expect(await call('cancelRun', { runId })).toMatchObject({
      structuredContent: { runId, status: 'cancelled', wasRunning: false },
    });
    expect(await call('getRun', { runId })).toMatchObject({
      isError: true,
      structuredContent: { runId, status: 'cancelled', errorCode: 'CANCELLED' },
    });
  });

  it("fault C15 sees another's run no more than one that never was", async () => {
    const { url, held } = await serve();
    const [alice, bob] = [await open(url, 'alice'), await open(url, 'bob')];
    const { runId } = runOf(await alice('execute', { task: 'a', waitSeconds: 0 }));
    const textOf = async (name: string, id: string) =>
      JSON.stringify(await bob(name, { runId: id })).replaceAll(id, 'ID');
    for (const name of ['getRun', 'cancelRun']) {
      const foreign = await textOf(name, runId);
      expect(foreign).toBe(await textOf(name, '00000000-0000-4000-8000-000000000000'));
      expect(foreign).toContain('NOT_FOUND: ');
    }
    expect(held[0]?.signal.aborted).toBe(false);
  });

  it('fault C14 joins the run of its own key, and of nobody else', async () => {
    const { url, held } = await serve();
    const [alice, bob] = [await open(url, 'alice'), await open(url, 'bob')];
    const args = { task: 'a', idempotencyKey: 'k' };
    const answers = [alice('execute', args), alice('execute', args), bob('execute', args)];
    await until(() => held.length === 2, 'two tasks');
    const conflict = await alice('execute', { task: 'b', idempotencyKey: 'k' });
    expect(conflict).toMatchObject({ isError: true });
    expect(JSON.stringify(conflict)).toContain('IDEMPOTENCY_CONFLICT');
    for (const each of held) each.finish();
    const [one, two, three] = (await Promise.all(answers)).map(runOf);
    expect(one?.runId).toBe(two?.runId);
    expect(three?.runId).not.toBe(one?.runId);
    expect(runOf(await alice('execute', args)).runId).toBe(one?.runId);
    // What the orchestrator gets tells the principals apart, because its keys know none.
    const keys = held.map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(2);
    expect(keys.every((key) => key?.startsWith('run:k#') && key.length <= 256)).toBe(true);
  });
});

describe('a response stream that is lost', () => {
  it.each(CLIENTS)('fault C14 does not stop a run with a key: %s calls again', async (_name, open) => {
    const { url, held } = await serve();
    const leaving = new AbortController();
    const call = await open(url);
    const args = { task: 'a', idempotencyKey: 'k' };
    const lost = lose(url, args, leaving.signal);
    await until(() => held.length === 1, 'the task');
    leaving.abort();
    await lost;
    const again = call('execute', args);
    held[0]?.finish();
    expect(await again).toMatchObject({ structuredContent: { result: 'done a' } });
    expect(held).toHaveLength(1);
    expect(held[0]?.signal.aborted).toBe(false);
  });

  it('fault C14 does not stop a run with a key in a session of the 2025 era, and one without a key it does', async () => {
    const { url, held } = await serve();
    const client = new V1Client({ name: 'v1', version: '1' });
    const transport = new V1Transport(url, { requestInit: headersOf('alice') });
    await client.connect(transport as unknown as Transport);
    const keyed = { task: 'a', idempotencyKey: 'k' };
    const calls = [keyed, { task: 'b' }].map((args) =>
      client.callTool({ name: 'execute', arguments: args }).catch(() => 'lost'),
    );
    await until(() => held.length === 2, 'two tasks');
    await transport.close();
    expect(await Promise.all(calls)).toEqual(['lost', 'lost']);
    await until(() => held[1]?.signal.aborted === true, 'an abort');
    expect(held[0]?.signal.aborted).toBe(false);
    const again = (await openV1(url))('execute', keyed);
    held[0]?.finish();
    expect(await again).toMatchObject({ structuredContent: { result: 'done a' } });
  });

  it('fault C1 stops a run that nobody has a handle to', async () => {
    const { url, held } = await serve();
    const leaving = new AbortController();
    const lost = lose(url, { task: 'a' }, leaving.signal);
    await until(() => held.length === 1, 'the task');
    leaving.abort();
    await lost;
    await until(() => held[0]?.signal.aborted === true, 'an abort');
  });

  it('stops a run with a key once its caller had time to call again', async () => {
    const { url, clock, held } = await serve();
    const leaving = new AbortController();
    const lost = lose(url, { task: 'a', idempotencyKey: 'k' }, leaving.signal);
    await until(() => held.length === 1, 'the task');
    leaving.abort();
    await lost;
    await until(() => {
      clock.increment(1000);
      return held[0]?.signal.aborted === true;
    }, 'an abort');
    expect(clock.now()).toBeGreaterThanOrEqual(30_000);
  });
});

/** A call of the 2026 era whose connection breaks when the signal says so. */
async function lose(url: URL, args: Record<string, unknown>, signal: AbortSignal): Promise<void> {
  const { status } = await rpc(url, 'tools/call', { name: 'execute', arguments: args }, { signal }).catch(
    () => ({ status: 0 }),
  );
  expect(status).toBe(0);
}

const TASKS = 'io.modelcontextprotocol/tasks';

interface RpcOptions {
  readonly who?: string;
  readonly extensions?: Record<string, unknown>;
  readonly signal?: AbortSignal;
}

/** One request of the 2026 era. */
async function rpc(
  url: URL,
  method: string,
  params: Record<string, unknown>,
  { who = 'alice', extensions, signal }: RpcOptions = {},
) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': extensions === undefined ? {} : { extensions },
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${who}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof params.name === 'string' && { 'mcp-name': params.name }),
      ...(typeof params.taskId === 'string' && { 'mcp-name': params.taskId }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta, ...params } }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? 'null');
  const { result, error } = JSON.parse(json) as {
    result?: Record<string, unknown>;
    error?: { code: number; data?: unknown };
  };
  return { status: response.status, result, error };
}

describe('the Tasks extension', () => {
  const extensions = { [TASKS]: {} };
  const execute = (url: URL, clock: SimulatedClock, held: Held[], task: string) => {
    const before = held.length;
    const answer = rpc(url, 'tools/call', { name: 'execute', arguments: { task } }, { extensions });
    return until(() => held.length > before, 'the task').then(() => {
      clock.increment(1000);
      return answer;
    });
  };

  it('is announced', async () => {
    const { url } = await serve();
    const { result } = await rpc(url, 'server/discover', {});
    expect(result).toMatchObject({ capabilities: { extensions } });
  });

  it('answers a task for what takes longer than a second, and its result by tasks/get', async () => {
    const { url, clock, held } = await serve();
    const { result: task } = await execute(url, clock, held, 'a');
    expect(task).toMatchObject({
      resultType: 'task',
      status: 'working',
      pollIntervalMs: 1000,
      ttlMs: 3_601_000,
    });
    expect(Date.parse(String(task?.createdAt))).toBeLessThanOrEqual(Date.now());
    const { taskId } = task as { taskId: string };
    held[0]?.progress(0.5, 'half');
    const working = await rpc(url, 'tasks/get', { taskId }, { extensions });
    expect(working.result).toMatchObject({ taskId, status: 'working', statusMessage: 'half' });
    expect(working.result).not.toHaveProperty('result');
    held[0]?.finish();
    const get = () => rpc(url, 'tasks/get', { taskId }, { extensions });
    expect((await get()).result).toMatchObject({
      resultType: 'complete',
      taskId,
      status: 'completed',
      result: { isError: false, structuredContent: { runId: taskId, result: 'done a' } },
    });
    // The same run by the tool, for whoever has only that.
    const poll = await rpc(url, 'tools/call', { name: 'getRun', arguments: { runId: taskId } });
    expect(poll.result).toMatchObject({ structuredContent: { runId: taskId, result: 'done a' } });
  });

  it('answers what ends within a second as it is', async () => {
    const { url, held } = await serve();
    const answer = rpc(url, 'tools/call', { name: 'execute', arguments: { task: 'a' } }, { extensions });
    await until(() => held.length === 1, 'the task');
    held[0]?.finish();
    expect((await answer).result).toMatchObject({
      resultType: 'complete',
      structuredContent: { result: 'done a' },
    });
  });

  it('cancels by tasks/cancel, with the same empty answer every time', async () => {
    const { url, clock, held } = await serve();
    const { result: task } = await execute(url, clock, held, 'a');
    const taskId = String(task?.taskId);
    for (let time = 0; time < 2; time += 1) {
      const { result } = await rpc(url, 'tasks/cancel', { taskId }, { extensions });
      expect(result).toMatchObject({ resultType: 'complete' });
      expect(result).not.toHaveProperty('status');
    }
    expect(held[0]?.signal.aborted).toBe(true);
    const { result } = await rpc(url, 'tasks/get', { taskId }, { extensions });
    expect(result).toMatchObject({ status: 'cancelled' });
    expect(result).not.toHaveProperty('result');
  });

  it('takes answers to questions that nobody asked, and changes nothing', async () => {
    const { url, clock, held } = await serve();
    const { result: task } = await execute(url, clock, held, 'a');
    const params = { taskId: String(task?.taskId), inputResponses: { who: { action: 'accept' } } };
    const { result } = await rpc(url, 'tasks/update', params, { extensions });
    expect(result).toMatchObject({ resultType: 'complete' });
    expect(held[0]?.signal.aborted).toBe(false);
  });

  it('is for clients that declare it: to others a task is none, and its methods are refused', async () => {
    const { url, clock, held } = await serve();
    const answer = rpc(url, 'tools/call', { name: 'execute', arguments: { task: 'a', waitSeconds: 5 } });
    await until(() => held.length === 1, 'the task');
    clock.increment(5000);
    const { result } = await answer;
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { status: 'running' } });
    const taskId = runOf(result ?? {}).runId;
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      expect((await rpc(url, method, { taskId })).error).toMatchObject({
        code: -32021,
        data: { requiredCapabilities: { extensions } },
      });
    }
    expect(held[0]?.signal.aborted).toBe(false);
  });

  it("fault C15 refuses an unknown task and another's alike", async () => {
    const { url, clock, held } = await serve();
    const { result: task } = await execute(url, clock, held, 'a');
    const taskId = String(task?.taskId);
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const foreign = await rpc(url, method, { taskId }, { extensions, who: 'bob' });
      const unknown = await rpc(url, method, { taskId: 'nonsense' }, { extensions, who: 'bob' });
      expect([foreign.error?.code, unknown.error?.code]).toEqual([-32602, -32602]);
    }
    expect(held[0]?.signal.aborted).toBe(false);
  });
});

describe('while draining', () => {
  it('answers questions about runs and cancels, and nothing else', async () => {
    const { url, clock, held, handler } = await serve();
    const extensions = { [TASKS]: {} };
    const start = { name: 'execute', arguments: { task: 'a', waitSeconds: 0 } };
    const { result } = await rpc(url, 'tools/call', start);
    const { runId } = runOf(result ?? {});
    handler.drain();
    expect((await rpc(url, 'tools/call', start)).status).toBe(503);
    expect((await rpc(url, 'tools/list', {})).status).toBe(503);
    expect((await rpc(url, 'tasks/get', { taskId: runId }, { extensions })).status).toBe(200);
    const poll = rpc(url, 'tools/call', { name: 'getRun', arguments: { runId } });
    expect((await rpc(url, 'tools/call', { name: 'cancelRun', arguments: { runId } })).result).toMatchObject({
      structuredContent: { status: 'cancelled' },
    });
    expect((await poll).result).toMatchObject({ structuredContent: { status: 'cancelled' } });
    expect(held).toHaveLength(1);
    clock.increment(1);
    await handler.answered();
  });
});
