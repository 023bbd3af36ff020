import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChildServer } from '../support/child-server.js';
import {
  INITIALIZE,
  modernCall,
  type PlainAnswer,
  type PlainRequest,
  TOKEN,
} from '../support/http-server.js';

const FIXTURE = fileURLToPath(new URL('../fixtures/http-server.ts', import.meta.url));

let folder: string;
let tokenFile: string;
let server: ChildServer;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gaffr-http-'));
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
});
afterEach(async () => {
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function start(...flags: string[]): Promise<number> {
  server = new ChildServer(['--import', 'tsx', FIXTURE, '--http', '0', '--token-file', tokenFile, ...flags]);
  await server.said('MCP over HTTP');
  return Number(/127\.0\.0\.1:(\d+)\/mcp/.exec(server.stderr)?.[1]);
}

function send(port: number, { method, headers = {}, body }: PlainRequest): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/mcp', method, headers, agent: false as const };
    const request = httpRequest(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on('error', reject);
    });
    request.on('error', reject).end(body);
  });
}

async function openSession(port: number): Promise<string> {
  return String((await send(port, INITIALIZE)).headers['mcp-session-id']);
}

function legacyCall(session: string, id: number, args: Record<string, unknown>): PlainRequest {
  const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'execute', arguments: args } };
  return {
    method: 'POST',
    headers: { ...INITIALIZE.headers, 'mcp-session-id': session },
    body: JSON.stringify(message),
  };
}

function statusIn({ text }: PlainAnswer): string | undefined {
  return /"structuredContent":\{[^{]*?"status":"(\w+)"/.exec(text)?.[1];
}

it('fault P1 with 20 running and 100 queued tasks, SIGTERM is answered to every client within the drain time', async () => {
  const port = await start('--http-limit', 'callsAtOnce=200');
  const session = await openSession(port);
  const args = (index: number) => ({ task: `t${index}`, service: 'slow', kwargs: { stepMs: 60_000 } });
  // Half of them in each era, one of them with a reader on a GET stream.
  const answers = Array.from({ length: 120 }, (_, index) =>
    send(port, index % 2 === 0 ? modernCall(args(index)) : legacyCall(session, index, args(index))),
  );
  const listening = send(port, {
    method: 'GET',
    headers: { ...INITIALIZE.headers, 'mcp-session-id': session },
  });
  await server.until(() => (server.stderr.match(/^started t/gm) ?? []).length === 20, '20 started tasks');
  // A call that was sent is in the queue once a later one has been answered.
  await send(port, modernCall({}, 'listServices'));
  const startedAt = Date.now();
  server.child.kill('SIGTERM');
  await server.said('draining');
  expect((await send(port, modernCall({ task: 'late', service: 'echo' }))).status).toBe(503);
  const results = await Promise.all(answers);
  expect((await server.exited).code).toBe(0);
  // drainSeconds is 1.
  expect(Date.now() - startedAt).toBeLessThan(2000);
  expect(results.map(({ status }) => status)).toEqual(Array(120).fill(200));
  expect(results.map(statusIn)).toEqual(Array(120).fill('cancelled'));
  expect((await listening).status).toBe(200);
});

it('fault P1 lets work end that can end, and answers 503 on a connection that is open still', async () => {
  const port = await start();
  const running = send(port, modernCall({ task: 'one', service: 'slow', kwargs: { stepMs: 60 } }));
  await server.said('started one');
  const open = connect(port, '127.0.0.1');
  let text = '';
  open.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  // Half a request keeps the connection from being idle when the drain begins.
  const { headers = {}, body = '' } = modernCall({ task: 'late', service: 'echo' });
  const lines = Object.entries({ ...headers, host: 'localhost', 'content-length': String(body.length) });
  open.write(
    `POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`,
  );
  await send(port, modernCall({}, 'listServices'));
  server.child.kill('SIGTERM');
  await server.said('draining');
  open.write(body);
  expect((await running).text).toContain('slow one');
  expect((await server.exited).code).toBe(0);
  expect(text).toContain('HTTP/1.1 503');
  expect(text.toLowerCase()).toContain('connection: close');
});

it('fault P1 ends in time when a service is deaf and a client does not read', async () => {
  const port = await start();
  const call = send(port, modernCall({ task: 'one', service: 'stubborn' }));
  await server.said('started one');
  const deaf = connect(port, '127.0.0.1').on('error', () => {});
  deaf.pause().write('POST /mcp HTTP/1.1\r\nHost: localhost\r\n');
  const startedAt = Date.now();
  server.child.kill('SIGTERM');
  expect(statusIn(await call)).toBe('cancelled');
  expect((await server.exited).code).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(2000);
  deaf.destroy();
});

it.each(['SIGTERM', 'SIGINT'] as const)('fault P2 ends at once on a second %s', async (signal) => {
  const port = await start();
  const call = send(port, modernCall({ task: 'one', service: 'stubborn' })).catch((cause) => cause.code);
  await server.said('started one');
  server.child.kill(signal);
  await server.said('draining');
  server.child.kill(signal);
  expect((await server.exited).code).toBe(130);
  expect(await call).toBe('ECONNRESET');
});

it('makes its token at the first start, for the owner only, and tells only where it is', async () => {
  rmSync(tokenFile);
  const port = await start();
  const token = readFileSync(tokenFile, 'utf8').trim();
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  const { headers, ...rest } = modernCall({ task: 'a', service: 'echo' });
  const withToken = (bearer: string) => ({
    ...rest,
    headers: { ...headers, authorization: `Bearer ${bearer}` },
  });
  expect((await send(port, withToken(token))).status).toBe(200);
  expect((await send(port, withToken(`${token.slice(0, -1)}_`))).status).toBe(401);
  expect(server.stderr).toContain(tokenFile);
  // The log is at debug here.
  expect(server.stderr).not.toContain(token);
  expect(server.stderr).not.toContain(token.slice(0, -1));
});
