import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  GOOD_HEADERS,
  INITIALIZE,
  modernCall,
  startServer,
  type TestServer,
  TOKEN,
} from '../support/http-server.js';

let server: TestServer;
beforeEach(async () => {
  server = await startServer({ limits: { requestSeconds: 0.3, headersSeconds: 0.3 } });
});
afterEach(() => server.close());

const HOST = 'Host: localhost\r\n';
const AUTH = `Authorization: Bearer ${TOKEN}\r\n`;
const TYPES = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n';
const CLOSE = 'Connection: close\r\n';
const BODY = String(INITIALIZE.body);
const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const CHUNKS = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

function post(headers: string, body = BODY, line = 'POST /mcp HTTP/1.1'): string {
  return `${line}\r\n${headers}${CLOSE}\r\n${body}`;
}

/** The statuses that came, and the last body. */
async function exchange(bytes: string): Promise<{ statuses: number[]; body: string }> {
  const text = await server.sendRaw(bytes);
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  return { statuses, body: text.split('\r\n\r\n').slice(1).join('\r\n\r\n') };
}

describe('over HTTP, a request whose end is told in two ways', () => {
  it.each([
    ['two lengths', `${LENGTH}Content-Length: 3\r\n`, BODY],
    ['a list of lengths', 'Content-Length: 5, 5\r\n', 'hello'],
    ['a length with a sign', 'Content-Length: +5\r\n', 'hello'],
    ['a length in hex', 'Content-Length: 0x5\r\n', 'hello'],
    ['a length and chunks', `${LENGTH}${CHUNKED}`, CHUNKS],
    ['a blank before the colon', 'Transfer-Encoding : chunked\r\n', CHUNKS],
    ['an unknown coding', 'Transfer-Encoding: xchunked\r\n', CHUNKS],
    ['chunks that are not last', 'Transfer-Encoding: chunked, identity\r\n', CHUNKS],
    ['two codings', `${CHUNKED}Transfer-Encoding: cow\r\n`, CHUNKS],
    ['a folded line', `X: a\r\n b\r\n${LENGTH}`, BODY],
    ['a name with a blank', `X Y: a\r\n${LENGTH}`, BODY],
    ['a NUL', `X: a\0b\r\n${LENGTH}`, BODY],
    ['a chunk without a size', CHUNKED, 'zz\r\n{'],
    ['a chunk of negative size', CHUNKED, '-5\r\nabc'],
    ['a chunk beyond all numbers', CHUNKED, 'fffffffffffffffff\r\nabc'],
    ['a chunk that ends with a line feed alone', CHUNKED, `${BODY.length.toString(16)}\n${BODY}\n0\n\n`],
    ['100,000 bytes beside the size of a chunk', CHUNKED, `1;${'a'.repeat(100_000)}\r\n{`],
  ])('is refused with 400, in JSON, for %s', async (_what, headers, body) => {
    const { statuses, body: answer } = await exchange(post(`${HOST}${AUTH}${TYPES}${headers}`, body));
    expect(statuses).toEqual([400]);
    expect(JSON.parse(answer).error.code).toBe(-32000);
  });

  it('is refused with 501 for a coding beside chunks', async () => {
    const bytes = post(`${HOST}${AUTH}${TYPES}Transfer-Encoding: gzip, chunked\r\n`, CHUNKS);
    expect((await exchange(bytes)).statuses).toEqual([501]);
  });

  it('hides no request in the body of a refused one, nor in that of a GET', async () => {
    const hidden = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
    const refused = `POST /mcp HTTP/1.1\r\n${HOST}${TYPES}Content-Length: ${hidden.length}\r\n\r\n${hidden}`;
    const got = `GET /healthz HTTP/1.1\r\n${HOST}Content-Length: ${hidden.length}\r\n\r\n${hidden}`;
    const last = `DELETE /healthz HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
    expect((await exchange(refused + got + last)).statuses).toEqual([401, 200, 405]);
  });

  it('takes no token from what follows the body', async () => {
    const body = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n${AUTH}\r\n`;
    expect((await exchange(post(`${HOST}${TYPES}${CHUNKED}`, body))).statuses).toEqual([401]);
  });
});

describe('over HTTP, a header that came twice', () => {
  it.each([
    ['Host', 403, `${HOST}Host: evil.example\r\n${AUTH}${TYPES}`],
    ['Host, the good one last', 403, `Host: evil.example\r\n${HOST}${AUTH}${TYPES}`],
    ['Authorization', 401, `${HOST}Authorization: Bearer x\r\n${AUTH}${TYPES}`],
    ['Origin', 403, `${HOST}Origin: http://localhost\r\nOrigin: https://evil.example\r\n${AUTH}${TYPES}`],
    ['Content-Type', 415, `${HOST}${AUTH}${TYPES}Content-Type: text/plain\r\n`],
    [
      'Content-Encoding',
      415,
      `${HOST}${AUTH}${TYPES}Content-Encoding: identity\r\nContent-Encoding: gzip\r\n`,
    ],
    ['Mcp-Session-Id', 404, `${HOST}${AUTH}${TYPES}Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n`],
  ])('has neither meaning: %s gets %i', async (_name, status, headers) => {
    expect((await exchange(post(`${headers}${LENGTH}`))).statuses).toEqual([status]);
  });
});

describe('over HTTP, a name that hides another', () => {
  it.each([
    'evil.example@localhost',
    'localhost/evil.example',
    'localhost\\.evil.example',
    'localhost#.evil.example',
    'localhost?.evil.example',
  ])('fault C16 is no Host: %s', async (host) => {
    const { statuses } = await exchange(post(`Host: ${host}\r\n${AUTH}${TYPES}${LENGTH}`));
    expect(statuses).toEqual([400]);
  });

  it.each([
    'http://evil.example@localhost',
    'http://localhost/evil.example',
    'http://localhost\\.evil.example',
    'http://localhost#.evil.example',
    'localhost',
  ])('fault C16 is no Origin: %s', async (origin) => {
    const { statuses } = await exchange(post(`${HOST}Origin: ${origin}\r\n${AUTH}${TYPES}${LENGTH}`));
    expect(statuses).toEqual([403]);
  });
});

describe('over HTTP, another protocol or address', () => {
  it.each([
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a tunnel', `CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n`, 405],
    ['an echo', `TRACE /mcp HTTP/1.1\r\n${HOST}Cookie: a=b\r\n${CLOSE}\r\n`, 405],
    [
      'a foreign address',
      post(`${HOST}${AUTH}${TYPES}${LENGTH}`, BODY, 'POST http://evil.example/mcp HTTP/1.1'),
      404,
    ],
    ['every address', `OPTIONS * HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 404],
    ['an encoded path', post(`${HOST}${AUTH}${TYPES}${LENGTH}`, BODY, 'POST /%6dcp HTTP/1.1'), 404],
    ['a path with a NUL', post(`${HOST}${AUTH}${TYPES}${LENGTH}`, BODY, 'POST /mcp%00 HTTP/1.1'), 404],
    [
      'a token in the address',
      post(`${HOST}${TYPES}${LENGTH}`, BODY, `POST /mcp?access_token=${TOKEN} HTTP/1.1`),
      401,
    ],
    [
      'a method in a header',
      `GET /mcp HTTP/1.1\r\n${HOST}${AUTH}X-HTTP-Method-Override: POST\r\n${CLOSE}\r\n`,
      405,
    ],
  ])('is refused in JSON: %s', async (_what, bytes, status) => {
    const { statuses, body } = await exchange(bytes);
    expect(statuses).toEqual([status]);
    // A chunked answer has its size around it.
    expect(JSON.parse(/\{.*\}/.exec(body)?.[0] ?? '').error).toBeDefined();
    expect(body).not.toContain('a=b');
  });

  it.each(['websocket', 'h2c'])('is not spoken: an upgrade to %s is answered as HTTP', async (protocol) => {
    const upgrade = `GET /mcp HTTP/1.1\r\n${HOST}${AUTH}Connection: Upgrade, close\r\nUpgrade: ${protocol}\r\n\r\n`;
    expect((await exchange(upgrade)).statuses).toEqual([405]);
  });

  it('is not expected: who expects what nobody knows is served as anybody else', async () => {
    const bytes = post(`${HOST}${AUTH}${TYPES}${LENGTH}Expect: a-teapot\r\n`);
    expect((await exchange(bytes)).statuses).toEqual([200]);
  });

  it('answers HEAD without a body, so that the next answer is its own', async () => {
    const bytes = `HEAD /mcp HTTP/1.1\r\n${HOST}${AUTH}\r\nGET /healthz HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
    expect((await exchange(bytes)).statuses).toEqual([405, 200]);
  });
});

it('over HTTP, a body may come byte by byte', async () => {
  await server.close();
  server = await startServer();
  const chunks = [...`${' '.repeat(20_000)}${BODY}`].map((byte) => `1\r\n${byte}\r\n`).join('');
  const bytes = post(`${HOST}${AUTH}${TYPES}${CHUNKED}`, `${chunks}0\r\n\r\n`);
  expect((await exchange(bytes)).statuses).toEqual([200]);
});

it('over HTTP, a slow body is told 408 when no answer has begun', async () => {
  const { statuses } = await exchange(
    `POST /mcp HTTP/1.1\r\n${HOST}${AUTH}${TYPES}Content-Length: 100\r\n\r\n{`,
  );
  expect(statuses).toEqual([408]);
});

it('over HTTP, listening streams are limited, and leave room for calls', async () => {
  await server.close();
  server = await startServer({ limits: { sessions: 3, subscriptions: 2 } });
  const sessions: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    sessions.push(String((await server.send(INITIALIZE)).headers['mcp-session-id']));
  }
  const listen = (session: string) =>
    server.send({ method: 'GET', headers: { ...GOOD_HEADERS, 'mcp-session-id': session } });
  const streams = sessions.map(listen);
  // A session has one stream at a time, and there is no fourth session.
  expect((await listen(sessions[0] as string)).status).toBe(409);
  expect((await server.send(INITIALIZE)).status).toBe(503);
  expect((await server.send(modernCall({ task: 'a', service: 'echo' }))).status).toBe(200);
  await server.close();
  expect((await Promise.all(streams)).map(({ status }) => status)).toEqual([200, 200, 200]);
  server = await startServer();
});
