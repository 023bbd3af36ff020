import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createMcpHttpHandler } from 'gaffr/mcp';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';
import { TOKEN } from '../support/http-server.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function listen(listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/some/path`);
}

async function callThrough(url: URL, fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit, ...(fetch && { fetch }) }));
  const answer = await client.callTool({ name: 'execute', arguments: { task: 'a' } });
  await client.close();
  return answer;
}

const isRight = { structuredContent: { result: 'echo a' } };

describe('gaffr/mcp in an application', () => {
  const handler = createMcpHttpHandler(fakeOrchestrator(), { auth: { token: TOKEN } });

  it('answers through node:http, at any path', async () => {
    const url = await listen((request, response) => void handler.node(request, response));
    expect(await callThrough(url)).toMatchObject(isRight);
  });

  it('answers behind a parser that has read the body', async () => {
    const url = await listen(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      await handler.node(request, response, text === '' ? undefined : JSON.parse(text));
    });
    expect(await callThrough(url)).toMatchObject(isRight);
  });

  it('takes the `next` of Express for no body', async () => {
    const url = await listen((request, response) => void handler.node(request, response, () => {}));
    expect(await callThrough(url)).toMatchObject(isRight);
  });

  it('answers through fetch', async () => {
    const { fetch } = handler;
    const answer = await callThrough(new URL('http://localhost/any'), (url, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set('host', 'localhost');
      return fetch(new Request(url, { ...init, headers }));
    });
    expect(answer).toMatchObject(isRight);
  });

  it('refuses a token that is too short', () => {
    expect(() => createMcpHttpHandler(fakeOrchestrator(), { auth: { token: 'x' } })).toThrow(TypeError);
  });
});
