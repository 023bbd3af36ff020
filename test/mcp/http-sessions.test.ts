import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import {
  createMcpHttpHandler,
  type McpHttpHandler,
  type McpHttpOptions,
} from '../../src/mcp/http/handler.js';
import { failedResult, fakeOrchestrator, taskResult } from '../support/fake-orchestrator.js';
import { INITIALIZE, modernCall, type PlainRequest, TOKEN, until } from '../support/http-server.js';

const handlers: McpHttpHandler[] = [];
afterEach(async () => {
  await Promise.all(handlers.splice(0).map((handler) => handler.close()));
});

interface Held {
  readonly task: string;
  readonly signal: AbortSignal;
  finish(): void;
}

/** A handler over an orchestrator whose tasks end when the test says so. */
function startHandler(options: Partial<McpHttpOptions> = {}) {
  const clock = new SimulatedClock();
  const held: Held[] = [];
  const orchestrator = fakeOrchestrator({
    execute: (task, { signal = new AbortController().signal } = {}) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(failedResult({ status: 'cancelled' })));
        held.push({ task, signal, finish: () => resolve(taskResult({ result: `done ${task}` })) });
      }),
  });
  const handler = createMcpHttpHandler(orchestrator, { auth: { token: TOKEN }, clock, ...options });
  handlers.push(handler);
  return { handler, clock, held };
}

function toRequest({ method = 'GET', headers = {}, body }: PlainRequest, signal?: AbortSignal): Request {
  return new Request('http://localhost/mcp', {
    method,
    headers: { host: 'localhost', ...headers },
    ...(body !== undefined && { body: String(body) }),
    ...(signal !== undefined && { signal }),
  });
}

async function openSession(handler: McpHttpHandler, headers = INITIALIZE.headers): Promise<string> {
  const response = await handler.fetch(toRequest({ ...INITIALIZE, ...(headers && { headers }) }));
  await response.text();
  return response.headers.get('mcp-session-id') as string;
}

const sessionRequest = (session: string, body: unknown, method = 'POST'): PlainRequest => ({
  method,
  headers: { ...INITIALIZE.headers, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
  ...(body !== undefined && { body: JSON.stringify(body) }),
});

const call = (id: number | string, task: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'execute', arguments: { task } },
});

describe('a session of the 2025 protocol', () => {
  it('fault C5 refuses an id in flight with 400 and leaves the first call alone', async () => {
    const { handler, held } = startHandler();
    const session = await openSession(handler);
    const first = await handler.fetch(toRequest(sessionRequest(session, call(7, 'a'))));
    await until(() => held.length === 1, 'a call');
    const second = await handler.fetch(toRequest(sessionRequest(session, call(7, 'b'))));
    expect(second.status).toBe(400);
    expect(await second.json()).toMatchObject({ id: 7, error: { code: -32600 } });
    const twice = await handler.fetch(toRequest(sessionRequest(session, [call(8, 'c'), call(8, 'd')])));
    expect(twice.status).toBe(400);
    held[0]?.finish();
    expect(await first.text()).toContain('done a');
    expect(held).toHaveLength(1);
  });

  it('ends the stream of a call that is cancelled, and answers the others of its batch', async () => {
    const { handler, held } = startHandler();
    const session = await openSession(handler);
    const cancel = (requestId: number) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    });
    const batch = await handler.fetch(toRequest(sessionRequest(session, [call(1, 'a'), call(2, 'b')])));
    await until(() => held.length === 2, 'two calls');
    await handler.fetch(toRequest(sessionRequest(session, cancel(1))));
    await until(() => held[0]?.signal.aborted === true, 'a cancel');
    held[1]?.finish();
    const text = await batch.text();
    expect(text).toContain('done b');
    expect(text.match(/^data:/gm)).toHaveLength(1);

    const alone = await handler.fetch(toRequest(sessionRequest(session, call(3, 'c'))));
    await until(() => held.length === 3, 'a third call');
    await handler.fetch(toRequest(sessionRequest(session, cancel(3))));
    expect(await alone.text()).toBe('');
    await handler.answered();
  });

  it('fault C1 ends its calls with DELETE', async () => {
    const { handler, held } = startHandler();
    const session = await openSession(handler);
    const response = await handler.fetch(toRequest(sessionRequest(session, call(1, 'a'))));
    await until(() => held.length === 1, 'a call');
    expect((await handler.fetch(toRequest(sessionRequest(session, undefined, 'DELETE')))).status).toBe(200);
    await until(() => held[0]?.signal.aborted === true, 'an abort');
    await response.text();
    const after = await handler.fetch(toRequest(sessionRequest(session, call(2, 'b'))));
    expect(after.status).toBe(404);
    expect(await after.json()).toMatchObject({ error: { code: -32001 } });
  });

  it('fault C1 ends after it did nothing for its time, but not while a call runs or the client listens', async () => {
    const { handler, clock, held } = startHandler({ limits: { sessionIdleSeconds: 30 } });
    const session = await openSession(handler);
    const listener = new AbortController();
    const listening = await openSession(handler);
    await handler.fetch(toRequest(sessionRequest(listening, undefined, 'GET'), listener.signal));
    const response = await handler.fetch(toRequest(sessionRequest(session, call(1, 'a'))));
    await until(() => held.length === 1, 'a call');
    const pass = (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) clock.increment(1000);
    };
    pass(40);
    held[0]?.finish();
    expect(await response.text()).toContain('done a');
    pass(15);
    const list = (id: string) =>
      handler.fetch(toRequest(sessionRequest(id, { jsonrpc: '2.0', id: 1, method: 'tools/list' })));
    expect((await list(session)).status).toBe(200);
    pass(61);
    expect((await list(session)).status).toBe(404);
    expect((await list(listening)).status).toBe(200);
    listener.abort();
    pass(62);
    expect((await list(listening)).status).toBe(404);
  });

  it('fault C15 is the same unknown session to another principal', async () => {
    const { handler } = startHandler({
      auth: { verify: async (token) => ({ principal: token }) },
    });
    const headersOf = (who: string) => ({ ...INITIALIZE.headers, authorization: `Bearer ${who}` });
    const session = await openSession(handler, headersOf('alice'));
    const request = (who: string, id: string) => {
      const { headers, ...rest } = sessionRequest(id, { jsonrpc: '2.0', id: 1, method: 'tools/list' });
      return handler.fetch(toRequest({ ...rest, headers: { ...headers, ...headersOf(who) } }));
    };
    expect((await request('alice', session)).status).toBe(200);
    const foreign = await request('bob', session);
    const unknown = await request('bob', 'nonsense');
    expect([foreign.status, await foreign.text()]).toEqual([unknown.status, await unknown.text()]);
  });

  it('is refused with 503 beyond the limit, until another ends or has been idle for long', async () => {
    const { handler, clock } = startHandler({ limits: { sessions: 2 } });
    const first = await openSession(handler);
    await openSession(handler);
    const refused = await handler.fetch(toRequest(INITIALIZE));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60']);
    await handler.fetch(toRequest(sessionRequest(first, undefined, 'DELETE')));
    expect(await openSession(handler)).toBeTruthy();
    clock.increment(61_000);
    expect(await openSession(handler)).toBeTruthy();
  });

  it('is not kept when initialize is refused', async () => {
    const { handler } = startHandler({ limits: { sessions: 1 } });
    const headers = { ...INITIALIZE.headers, accept: 'application/json' };
    for (let time = 0; time < 3; time += 1) {
      expect((await handler.fetch(toRequest({ ...INITIALIZE, headers }))).status).toBe(406);
    }
    expect(await openSession(handler)).toBeTruthy();
  });

  it('CVE-2026-25536: two clients with equal ids get only their own answers', async () => {
    const { handler, held } = startHandler();
    const [one, two] = [await openSession(handler), await openSession(handler)];
    const first = await handler.fetch(toRequest(sessionRequest(one, call(1, 'a'))));
    const second = await handler.fetch(toRequest(sessionRequest(two, call(1, 'b'))));
    await until(() => held.length === 2, 'two calls');
    held[1]?.finish();
    expect(await second.text()).toContain('done b');
    held[0]?.finish();
    expect(await first.text()).toContain('done a');
  });
});

describe('createMcpHttpHandler()', () => {
  it('fault C1 cancels a call of the 2026 protocol whose client goes away', async () => {
    const { handler, held } = startHandler();
    const client = new AbortController();
    const answer = handler.fetch(toRequest(modernCall({ task: 'a' }), client.signal));
    await until(() => held.length === 1, 'a call');
    client.abort();
    await until(() => held[0]?.signal.aborted === true, 'an abort');
    expect((await answer).status).toBeGreaterThanOrEqual(400);
    await handler.answered();
  });

  it('answers 429 beyond callsAtOnce, and lets a cancel through', async () => {
    const { handler, held } = startHandler({ limits: { callsAtOnce: 2 } });
    const session = await openSession(handler);
    const streams = [];
    for (const id of [1, 2])
      streams.push(await handler.fetch(toRequest(sessionRequest(session, call(id, 'a')))));
    await until(() => held.length === 2, 'two calls');
    const refused = await handler.fetch(toRequest(modernCall({ task: 'c' })));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ error: { code: -32000 } });
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    expect((await handler.fetch(toRequest(sessionRequest(session, cancel)))).status).toBe(202);
    await streams[0]?.text();
    const admitted = handler.fetch(toRequest(modernCall({ task: 'd' })));
    await until(() => held.length === 3, 'a third call');
    for (const each of held) each.finish();
    expect((await admitted).status).toBe(200);
    await streams[1]?.text();
    await handler.answered();
  });

  it('answers 429 beyond callsPerSecond, per principal', async () => {
    const { handler, clock } = startHandler({
      auth: { verify: async (token) => ({ principal: token }) },
      limits: { callsPerSecond: 2, callsBurst: 3 },
    });
    const list = async (who: string) => {
      const { headers, ...rest } = modernCall({ query: 'a' }, 'listServices');
      const request = toRequest({ ...rest, headers: { ...headers, authorization: `Bearer ${who}` } });
      return (await handler.fetch(request)).status;
    };
    const statuses = [];
    for (let time = 0; time < 4; time += 1) statuses.push(await list('alice'));
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await list('bob')).toBe(200);
    clock.increment(500);
    expect([await list('alice'), await list('alice')]).toEqual([200, 429]);
  });

  it.each([
    ['execute', ['read', 'cancel'], 'gaffr:execute'],
    ['executeParallel', ['read'], 'gaffr:execute'],
    ['listServices', ['execute'], 'gaffr:read'],
    ['explainRoute', ['cancel'], 'gaffr:read'],
  ] as const)('refuses %s without its scope, on both protocols', async (tool, scopes, needed) => {
    const resourceMetadataUrl = 'https://gaffr.example.com/.well-known/oauth-protected-resource/mcp';
    const { handler, held } = startHandler({
      auth: { verify: async () => ({ principal: 'alice', scopes: [...scopes] }), resourceMetadataUrl },
    });
    const session = await openSession(handler);
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool, arguments: { task: 'a' } },
    };
    const requests = [
      modernCall({ task: 'a' }, tool),
      // Headers that name another tool than the body do not help.
      { ...modernCall({ task: 'a' }, tool), headers: { ...modernCall({}, 'explainRoute').headers } },
      sessionRequest(session, body),
      sessionRequest(session, [{ jsonrpc: '2.0', id: 2, method: 'tools/list' }, body]),
    ];
    for (const request of requests) {
      const response = await handler.fetch(toRequest(request));
      expect(response.status).toBe(403);
      expect(response.headers.get('www-authenticate')).toContain(`scope="${needed}"`);
      expect(response.headers.get('www-authenticate')).toContain(resourceMetadataUrl);
    }
    expect(held).toHaveLength(0);
    const list = sessionRequest(session, { jsonrpc: '2.0', id: 3, method: 'tools/list' });
    expect((await handler.fetch(toRequest(list))).status).toBe(200);
  });

  it('answers 503 when tokens cannot be checked, and says no more', async () => {
    const { handler } = startHandler({
      auth: {
        verify: async () => {
          throw new Error('secret place /etc/keys');
        },
      },
    });
    const response = await handler.fetch(toRequest(INITIALIZE));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('/etc/keys');
  });

  it('while draining answers 503 to requests, and lets what is under way end', async () => {
    const { handler, held } = startHandler();
    const session = await openSession(handler);
    const first = await handler.fetch(toRequest(sessionRequest(session, call(1, 'a'))));
    const second = handler.fetch(toRequest(modernCall({ task: 'b' })));
    await until(() => held.length === 2, 'two calls');
    handler.drain();
    for (const request of [modernCall({ task: 'c' }), sessionRequest(session, call(2, 'c')), INITIALIZE]) {
      const refused = await handler.fetch(toRequest(request));
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    }
    let isAnswered = false;
    const answered = handler.answered().then(() => {
      isAnswered = true;
    });
    await sleep(5);
    expect(isAnswered).toBe(false);
    for (const each of held) each.finish();
    expect(await first.text()).toContain('done a');
    expect(await (await second).text()).toContain('done b');
    await answered;
  });

  it('close() aborts what is under way', async () => {
    const { handler, held } = startHandler();
    const session = await openSession(handler);
    const first = await handler.fetch(toRequest(sessionRequest(session, call(1, 'a'))));
    const second = handler.fetch(toRequest(modernCall({ task: 'b' })));
    await until(() => held.length === 2, 'two calls');
    await handler.close();
    expect(held.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    await first.text();
    expect((await second).status).toBeGreaterThanOrEqual(400);
  });

  it('asks nobody when the application has asked already', async () => {
    const { handler } = startHandler({ auth: 'none', allowedHosts: ['app.example.com'] });
    const { authorization: _, ...headers } = modernCall({}).headers as Record<string, string>;
    const request = {
      ...modernCall({}, 'listServices'),
      headers: { ...headers, 'mcp-name': 'listServices', host: 'app.example.com' },
    };
    expect((await handler.fetch(toRequest(request))).status).toBe(200);
  });
});
