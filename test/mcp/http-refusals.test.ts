import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpServerOptions } from '../../src/mcp/http/serve-http.js';
import {
  GOOD_HEADERS,
  INITIALIZE,
  modernCall,
  type PlainAnswer,
  startServer,
  type TestServer,
  TOKEN,
  until,
} from '../support/http-server.js';

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(options: Partial<HttpServerOptions> = {}): Promise<TestServer> {
  const server = await startServer(options);
  servers.push(server);
  return server;
}

/** Every refusal is JSON, shows no stack and no token. */
function errorOf({ headers, text }: PlainAnswer): { readonly code: number; readonly message: string } {
  expect(headers['content-type']).toMatch(/^application\/json/);
  expect(text).not.toMatch(/<html|\n\s+at |node_modules/i);
  expect(text).not.toContain(TOKEN);
  return JSON.parse(text).error;
}

const eras = [
  ['2025', INITIALIZE],
  ['2026', modernCall({ task: 'a', service: 'echo' })],
] as const;

describe.each(eras)('over HTTP, a request of the %s protocol', (_era, good) => {
  it.each([
    ['a foreign Host', { host: 'evil.example' }],
    ['a foreign Host that begins well', { host: 'localhost.evil.example' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['an Origin that is none', { origin: 'not an origin' }],
  ])('fault C16 is refused with 403 for %s', async (_what, headers) => {
    const server = await start();
    const answer = await server.send({ ...good, headers: { ...good.headers, ...headers } });
    expect(answer.status).toBe(403);
    expect(errorOf(answer).code).toBe(-32000);
  });

  it('fault C16 passes without an Origin, and with one of this machine', async () => {
    const server = await start();
    expect((await server.send(good)).status).toBe(200);
    const headers = { ...good.headers, origin: 'http://localhost:5173' };
    const answer = await server.send({ ...good, headers });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe('http://localhost:5173');
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { authorization: `Bearer ${TOKEN}x` }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
  ])('is refused with 401 for %s, before its body is read', async (_what, given) => {
    const server = await start();
    const { authorization: _, ...headers } = GOOD_HEADERS;
    const answer = await server.send({
      ...good,
      headers: { ...headers, ...given },
      body: 'x'.repeat(3_000_000),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('Bearer error="invalid_token"');
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'invalid_token' });
  });

  it('fault C4 is refused with 413 when its body has 5 MB, declared or not', async () => {
    const server = await start();
    const body = Buffer.alloc(5 * 1024 * 1024, 'x');
    for (const extra of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await server.send({ ...good, headers: { ...good.headers, ...extra }, body });
      expect(answer.status).toBe(413);
      expect(errorOf(answer).message).toContain('1048576');
    }
    expect((await server.send(good)).status).toBe(200);
  });

  it('is accepted at exactly the longest body, and refused one byte above', async () => {
    const server = await start();
    const padded = (bytes: number) => `${good.body}${' '.repeat(bytes - String(good.body).length)}`;
    expect((await server.send({ ...good, body: padded(1024 * 1024) })).status).toBe(200);
    expect((await server.send({ ...good, body: padded(1024 * 1024 + 1) })).status).toBe(413);
  });
});

describe('over HTTP, a body', () => {
  it.each([
    ['malformed JSON', '{"jsonrpc": "2.0", "id": 2, "meth', -32700],
    ['nothing', '', -32700],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), -32700],
    ['null', 'null', -32600],
    ['an empty batch', '[]', -32600],
    ['100,000 brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, -32600],
    ['101 messages', JSON.stringify(Array.from({ length: 101 }, () => ({}))), -32600],
    [
      'more values than allowed',
      JSON.stringify({ a: Array.from({ length: 20_000 }, () => 1), b: 1 }),
      -32600,
    ],
  ])('fault C3 of %s is refused with 400', async (_what, body, code) => {
    const server = await start();
    const answer = await server.send({ method: 'POST', headers: GOOD_HEADERS, body });
    expect(answer.status).toBe(400);
    expect(errorOf(answer).code).toBe(code);
    expect((await server.send(INITIALIZE)).status).toBe(200);
  });

  it('fault C10 with __proto__, lone surrogates and huge numbers changes nothing', async () => {
    const server = await start();
    const call = modernCall({ task: 'a', service: 'echo' });
    const body = String(call.body).replace(
      '"task":"a"',
      '"task":"\\ud800","kwargs":{"__proto__":{"polluted":1},"n":1e999,"constructor":{"prototype":{"polluted":1}}}',
    );
    const answer = await server.send({ ...call, body });
    expect([200, 400]).toContain(answer.status);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('of another kind is refused with 415', async () => {
    const server = await start();
    for (const extra of [{ 'content-type': 'text/plain' }, { 'content-encoding': 'gzip' }]) {
      const answer = await server.send({ ...INITIALIZE, headers: { ...GOOD_HEADERS, ...extra } });
      expect(answer.status).toBe(415);
      errorOf(answer);
    }
  });
});

describe('over HTTP, the server', () => {
  it('answers 404, 405 and its health in JSON', async () => {
    const server = await start();
    const health = await server.send({ path: '/healthz' });
    expect([health.status, health.text]).toEqual([200, '{"status":"ok"}']);
    expect((await server.send({ path: '/healthz', method: 'HEAD' })).status).toBe(200);
    for (const [request, status] of [
      [{ path: '/healthz', method: 'POST' }, 405],
      [{ path: '/' }, 404],
      [{ path: '/mcp/../etc/passwd' }, 404],
      [{ path: '//evil.example/mcp' }, 404],
      [{ path: '/.well-known/oauth-protected-resource' }, 404],
      [{ method: 'PUT', headers: GOOD_HEADERS }, 405],
      [{ method: 'GET', headers: GOOD_HEADERS }, 405],
      [{ method: 'DELETE', headers: GOOD_HEADERS }, 405],
    ] as const) {
      const answer = await server.send(request);
      expect(answer.status).toBe(status);
      errorOf(answer);
    }
    expect((await server.send({ path: '/healthz', headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('answers a browser that asks before it sends', async () => {
    const server = await start({ allowedOrigins: ['https://app.example.com'] });
    const ask = (origin: string) => server.send({ method: 'OPTIONS', headers: { origin } });
    const answer = await ask('https://app.example.com');
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toContain('Authorization');
    for (const origin of [
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://x.app.example.com',
    ]) {
      expect((await ask(origin)).status).toBe(403);
    }
  });

  it('answers what is no HTTP in JSON', async () => {
    const server = await start();
    for (const [bytes, status] of [
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400'],
      ['GET /mcp HTTP/9.9\r\n\r\n', '400'],
      [`GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431'],
      [
        'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
        '400',
      ],
    ] as const) {
      const text = await server.sendRaw(bytes);
      expect(text).toContain(`HTTP/1.1 ${status}`);
      expect(JSON.parse(text.split('\r\n\r\n')[1] as string).error.code).toBe(-32000);
    }
    expect((await server.send(INITIALIZE)).status).toBe(200);
  });

  it('answers pipelined requests in their order', async () => {
    const server = await start();
    const { authorization, accept } = GOOD_HEADERS;
    const post = (task: string, close: string) => {
      const { body, headers = {} } = modernCall({ task, service: task === 'a' ? 'slow' : 'echo' });
      const lines = {
        ...headers,
        authorization,
        accept,
        host: 'localhost',
        'content-length': String(body?.length),
      };
      const head = Object.entries({ ...lines, connection: close }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      return `POST /mcp HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`;
    };
    const text = await server.sendRaw(post('a', 'keep-alive') + post('b', 'close'));
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(text.indexOf('slow a')).toBeGreaterThan(0);
    expect(text.indexOf('echo b')).toBeGreaterThan(text.indexOf('slow a'));
  });

  it('fault C11 answers 408 to a slow head and to a slow body', async () => {
    const server = await start({ limits: { headersSeconds: 0.2, requestSeconds: 0.3 } });
    expect(await server.sendRaw('POST /mcp HTTP/1.1\r\nHost: loc')).toContain('HTTP/1.1 408');
    const { authorization } = GOOD_HEADERS;
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n`;
    const startedAt = Date.now();
    // The answer would be mixed with one under way, so the connection just ends.
    await server.sendRaw(`${head}Content-Length: 100\r\n\r\n{`);
    expect(Date.now() - startedAt).toBeLessThan(3000);
  });

  it('fault C11 serves others while 1,000 connections send a byte now and then', async () => {
    const server = await start({ limits: { connections: 200 } });
    const sockets: Socket[] = [];
    try {
      for (let count = 0; count < 1000; count += 1) {
        const socket = connect(server.port, '127.0.0.1').on('error', () => {});
        socket.write('P');
        sockets.push(socket);
        if (count % 100 === 0) await sleep(1);
      }
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => server.send(modernCall({ task: 'a', service: 'echo' }))),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
      await until(() => sockets.filter((socket) => socket.closed).length >= 800, '800 closed connections');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it('answers 503 when every connection has a call under way', async () => {
    const server = await start({ limits: { connections: 2 } });
    const call = modernCall({ task: 'a', service: 'slow', kwargs: { stepMs: 40 } });
    const underWay = [server.send(call), server.send(call)];
    await until(() => server.seen.length === 2, 'two calls');
    const answer = await server.send(modernCall({ task: 'b', service: 'echo' }));
    expect(answer.status).toBe(503);
    errorOf(answer);
    expect((await Promise.all(underWay)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('fault C8 disconnects a client that does not read, and cancels its task', async () => {
    const server = await start({ limits: { backlogBytes: 100_000 } });
    const call = modernCall({ task: 'a', service: 'chatty', kwargs: { length: 100_000 } });
    const body = String(call.body).replace('"_meta":{', '"_meta":{"progressToken":1,');
    const lines = { ...call.headers, host: 'localhost', 'content-length': String(body.length) };
    const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`);
    const socket = connect(server.port, '127.0.0.1').on('error', () => {});
    socket.pause();
    socket.write(`POST /mcp HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`);
    // What the kernel holds arrives still; then comes the end, long before the service has said all.
    await sleep(50);
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect(socket.bytesRead).toBeLessThan(60_000_000);
    await server.saw('aborted a');
  });

  it.each([
    ['public without a token', { host: '0.0.0.0', auth: 'none', allowedHosts: ['x'] }, /token/],
    ['public without allowed hosts', { host: '0.0.0.0' }, /--allowed-host/],
    ['public by IPv6', { host: '::' }, /--public-url/],
    ['with a token that is too short', { auth: { token: 'short' } }, /32 characters/],
    ['with a host that has a port', { allowedHosts: ['gaffr.example.com:80'] }, /without scheme and port/],
    ['with a host that has a scheme', { allowedHosts: ['https://gaffr.example.com'] }, /without scheme/],
    ['with IPv6 out of brackets', { allowedHosts: ['fe80::1'] }, /in brackets/],
    ['with an origin that has a path', { allowedOrigins: ['https://a.example/b'] }, /without a path/],
    ['with an origin of everything', { allowedOrigins: ['*'] }, /without scheme/],
    ['with an unknown limit', { limits: { calls: 1 } as object }, /calls/],
  ] as const)('refuses to start %s', async (_what, options, message) => {
    await expect(startServer(options as Partial<HttpServerOptions>)).rejects.toThrow(message);
  });

  it('serves a public address to allowed hosts only', async () => {
    const server = await start({ host: '0.0.0.0', allowedHosts: ['gaffr.example.com'] });
    expect((await server.send(INITIALIZE)).status).toBe(403);
    const headers = { ...GOOD_HEADERS, host: 'gaffr.example.com:443' };
    expect((await server.send({ ...INITIALIZE, headers })).status).toBe(200);
  });
});
