import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { silentLog } from '../../src/core/environment.js';
import { createEndpoint } from '../../src/mcp/http/endpoint.js';
import { parseLimits } from '../../src/mcp/http/limits.js';
import { MAX_SUBSCRIBED } from '../../src/mcp/resources/subscriptions.js';
import { Updates } from '../../src/mcp/resources/updates.js';
import { RunStore } from '../../src/mcp/runs/run-store.js';
import { createMcpServerFactory } from '../../src/mcp/server.js';
import { createOrchestrator } from '../../src/orchestrator.js';
import { ChildServer, FIXTURE_ARGS } from '../support/child-server.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';
import { GOOD_HEADERS, INITIALIZE, startServer, type TestServer, TOKEN } from '../support/http-server.js';
import { type ConnectedClient, connectInMemory, follow } from '../support/mcp-client.js';

const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
const run = (client: Client) =>
  client.callTool({ name: 'execute', arguments: { task: 'a', service: 'echo' } });

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(
  mode: 'legacy' | 'auto',
  wire: 'stdio' | 'HTTP',
  at = server,
): Promise<ConnectedClient> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  clients.push(client);
  const transport =
    wire === 'HTTP'
      ? new StreamableHTTPClientTransport(new URL(at.url), { requestInit })
      : new StdioClientTransport({ command: process.execPath, args: [...FIXTURE_ARGS], stderr: 'ignore' });
  await client.connect(transport);
  return follow(client);
}

describe.each(['stdio', 'HTTP'] as const)('over %s', (wire) => {
  it('a client of 2025 subscribes, hears of changes, and of none after it unsubscribed', async () => {
    const { client, updated, toldTimes } = await connect('legacy', wire);
    for (const uri of ['gaffr://services/echo', 'gaffr://stats', 'gaffr://services/fails']) {
      await client.subscribeResource({ uri });
    }
    await run(client);
    await toldTimes(2);
    expect(new Set(updated)).toEqual(new Set(['gaffr://services/echo', 'gaffr://stats']));
    await client.unsubscribeResource({ uri: 'gaffr://services/echo' });
    await client.unsubscribeResource({ uri: 'gaffr://stats' });
    const before = updated.length;
    await run(client);
    await client.readResource({ uri: 'gaffr://stats' });
    expect(updated).toHaveLength(before);
  });

  it('a client of 2026 listens, hears of changes, and of none after it closed the stream', async () => {
    const { client, updated, toldTimes } = await connect('auto', wire);
    const resourceSubscriptions = ['gaffr://services/echo', 'gaffr://services/fails'];
    const stream = await client.listen({ resourceSubscriptions });
    expect(stream.honoredFilter).toEqual({ resourceSubscriptions });
    await run(client);
    await toldTimes(1);
    expect(new Set(updated)).toEqual(new Set(['gaffr://services/echo']));
    await stream.close();
    const before = updated.length;
    await run(client);
    await client.readResource({ uri: 'gaffr://stats' });
    expect(updated).toHaveLength(before);
  });

  it('refuses a stream that listens to too much or to an unknown run', async () => {
    const { client } = await connect('auto', wire);
    const uris = Array.from({ length: MAX_SUBSCRIBED + 1 }, (_, index) => `gaffr://services/s${index}`);
    await expect(client.listen({ resourceSubscriptions: uris })).rejects.toThrow(/64 resources .* names 65/);
    await expect(client.listen({ resourceSubscriptions: ['gaffr://runs/1'] })).rejects.toThrow(
      'There is no run',
    );
    const stream = await client.listen({ resourceSubscriptions: uris.slice(1) });
    expect(stream.honoredFilter.resourceSubscriptions).toHaveLength(MAX_SUBSCRIBED);
  });
});

describe('subscriptions of a connection', () => {
  it('are limited, and may be made again', async () => {
    const names = Array.from({ length: MAX_SUBSCRIBED + 1 }, (_, index) => `s${index}`);
    const services = Object.fromEntries(names.map((name) => [name, () => name]));
    const { client } = await connectInMemory(createOrchestrator({ services }));
    for (const name of names.slice(1)) await client.subscribeResource({ uri: `gaffr://services/${name}` });
    await client.subscribeResource({ uri: 'gaffr://services/s1' });
    const last = { uri: 'gaffr://services/s0' };
    await expect(client.subscribeResource(last)).rejects.toThrow(/64 resources and no more/);
    await client.unsubscribeResource({ uri: 'gaffr://services/s1' });
    await client.subscribeResource(last);
  });

  it('end with the connection', async () => {
    let watchers = 0;
    const watch = () => {
      watchers += 1;
      return () => {
        watchers -= 1;
      };
    };
    const { client } = await connectInMemory(fakeOrchestrator({ watch }));
    await client.subscribeResource({ uri: 'gaffr://services' });
    expect(watchers).toBe(1);
    await client.close();
    expect(watchers).toBe(0);
  });
});

describe('listening streams', () => {
  it('over HTTP do not count as work: many are open while calls are limited, and a drain does not wait', async () => {
    const own = await startServer({ limits: { callsAtOnce: 1 } });
    const { client } = await connect('auto', 'HTTP', own);
    const streams = [];
    for (let count = 0; count < 5; count++)
      streams.push(await client.listen({ resourceSubscriptions: ['gaffr://stats'] }));
    await run(client);
    await own.close();
    for (const stream of streams) expect(await stream.closed).not.toBe('local');
  });

  it('over stdio do not hold up the end of the server', async () => {
    const child = new ChildServer();
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const notifications = { resourceSubscriptions: ['gaffr://stats'] };
    child.send({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { _meta, notifications } });
    await child.until(() => child.messages.length > 0, 'an acknowledgement');
    const startedMs = Date.now();
    child.child.kill('SIGTERM');
    await child.exited;
    // Without a stream it is as fast; a close that waits for an answer takes two seconds more.
    expect(Date.now() - startedMs).toBeLessThan(1500);
    expect(child.answersTo(1)).toHaveLength(1);
  });

  it('fault C15 of another principal never hear of a run', async () => {
    const runs = {
      get: (id: string, principal: string | null) => (principal === 'owner' ? `{"id":"${id}"}` : undefined),
      watch: () => () => {},
    };
    const orchestrator = fakeOrchestrator();
    const sources = { orchestrator, runs };
    const updates = new Updates({ ...sources, clock: systemClock });
    const options = { runs: new RunStore(), log: silentLog, version: '1', sources, updates };
    const factory = createMcpServerFactory(orchestrator, options);
    const endpoint = createEndpoint({
      log: silentLog,
      factory,
      resources: { sources, updates },
      limits: parseLimits(),
      clock: systemClock,
    });
    const listenAs = async (principal: string) => {
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      };
      const method = 'subscriptions/listen';
      const notifications = { resourceSubscriptions: ['gaffr://runs/1'] };
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
      };
      const request = new Request('http://localhost/mcp', { method: 'POST', headers });
      const body = { jsonrpc: '2.0', id: 1, method, params: { _meta, notifications } };
      const caller = { token: '', clientId: principal, scopes: [] };
      const response = await endpoint.answer(request, body, caller);
      const text = response.status === 200 ? '' : await response.text();
      await response.body?.cancel().catch(() => {});
      return { status: response.status, text };
    };
    expect(await listenAs('owner')).toEqual({ status: 200, text: '' });
    expect(await listenAs('other')).toMatchObject({
      status: 400,
      text: expect.stringContaining('There is no run gaffr://runs/1'),
    });
    await endpoint.close();
  });

  it('and all that shows what is here need the right to read', async () => {
    const verify = async () => ({ principal: 'worker', scopes: ['execute'] as const });
    const own = await startServer({ auth: { verify } });
    for (const method of [
      'resources/list',
      'resources/read',
      'subscriptions/listen',
      'prompts/get',
      'completion/complete',
    ]) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} });
      const answer = await own.send({ method: 'POST', headers: GOOD_HEADERS, body });
      expect({ method, status: answer.status }).toEqual({ method, status: 403 });
    }
    await own.close();
  });
});

describe('a resource that is not there', () => {
  it('is -32602 with its address, in both eras: the SDK writes nothing else', async () => {
    const opened = await server.send(INITIALIZE);
    const answer = await server.send({
      method: 'POST',
      headers: { ...GOOD_HEADERS, 'mcp-session-id': String(opened.headers['mcp-session-id']) },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 2,
        method: 'resources/read',
        params: { uri: 'gaffr://services/x' },
      }),
    });
    expect(answer.text).toContain('"code":-32602');
    expect(answer.text).toContain('"data":{"uri":"gaffr://services/x"}');
  });
});
