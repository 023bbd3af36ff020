import { type Random, seeded } from '../simulation/random.js';
import type { Input } from './inputs.js';
import { noiseText } from './noise.js';

/** Where requests go. */
export interface Place {
  readonly port: number;
  readonly token: string;
  /** A session of the 2025 protocol. */
  readonly session: string;
}

/** A request as it goes over the wire, and what its client has to put up with. */
export interface HttpInput {
  readonly bytes: Buffer;
  /** Whether the head or the framing is broken, so that the connection may end without an answer. */
  readonly isBroken: boolean;
  readonly isHead: boolean;
}

type Header = readonly [name: string, value: string];

/** Makes the request that carries an input. The same seed makes the same request. */
export function httpInputOf({ seed, bytes, message }: Input, place: Place): HttpInput {
  const random = seeded(seed, 2);
  const method = random.weighted([
    [40, 'POST'],
    [2, 'GET'],
    [1, 'HEAD'],
    [1, 'OPTIONS'],
    [1, 'DELETE'],
    [1, 'PUT'],
    [0.5, 'CONNECT'],
    [0.5, 'PRI'],
  ]);
  const framing = framingOf(random, bytes);
  const isOdd = random.chance(0.1);
  const headers = [
    ...headersOf(random, method === 'DELETE' ? { ...place, session: 'nobody' } : place, message),
    ...(isOdd ? [oddHeader(random)] : []),
    ...framing.headers,
  ];
  const version = random.chance(0.97)
    ? 'HTTP/1.1'
    : random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1\r\nHost: x', '']);
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const head = `${method} ${targetOf(random, place)} ${version}\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`;
  return {
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), framing.body]),
    isBroken: framing.isBroken || isOdd || version !== 'HTTP/1.1' || method === 'CONNECT' || method === 'PRI',
    isHead: method === 'HEAD',
  };
}

function targetOf(random: Random, { port }: Place): string {
  return random.weighted([
    [100, '/mcp'],
    [1, '/mcp?session=1#here'],
    [1, '/mcp/'],
    [1, '//mcp'],
    [1, '/./mcp'],
    [1, '/%6dcp'],
    [1, '/mcp%00'],
    [1, `http://127.0.0.1:${port}/mcp`],
    [1, 'http://evil.example/mcp'],
    [1, '*'],
    [1, '/healthz'],
    [1, '/.well-known/oauth-protected-resource/mcp'],
  ]);
}

function headersOf(random: Random, place: Place, message: Input['message']): Header[] {
  const rare = (good: string, ...others: string[]): string =>
    random.chance(0.96) ? good : random.pick(others);
  return [
    ['Host', rare(`127.0.0.1:${place.port}`, 'localhost', 'evil.example', '127.0.0.1.evil.example', '')],
    [
      'Authorization',
      rare(`Bearer ${place.token}`, 'Bearer', `Bearer ${place.token}x`, `Basic ${place.token}`),
    ],
    [
      'Content-Type',
      rare('application/json', 'application/json; charset=utf-16', 'text/plain', 'application/jsonx'),
    ],
    ['Accept', rare('application/json, text/event-stream', '*/*', 'text/html', 'application/json')],
    ...protocolHeaders(random, place, message),
  ];
}

/** What goes with the revision that the message speaks. */
function protocolHeaders(random: Random, { session }: Place, message: Input['message']): Header[] {
  const { method, params } = message ?? {};
  const { _meta: meta, name, uri } = (params ?? {}) as Record<string, unknown>;
  const isModern =
    typeof meta === 'object' && meta !== null && 'io.modelcontextprotocol/protocolVersion' in meta;
  if (isModern || random.chance(0.1)) {
    const subject = [name, uri].find((each) => typeof each === 'string');
    return [
      ['Mcp-Protocol-Version', random.chance(0.95) ? '2026-07-28' : '2025-11-25'],
      ['Mcp-Method', printable(method)],
      ...(subject === undefined ? [] : [['Mcp-Name', printable(subject)] as const]),
    ];
  }
  return [
    ['Mcp-Protocol-Version', random.chance(0.95) ? '2025-11-25' : '1999-01-01'],
    ...(random.chance(0.9) ? [['Mcp-Session-Id', random.chance(0.95) ? session : 'nobody'] as const] : []),
  ];
}

function oddHeader(random: Random): Header {
  return random.pick<Header>([
    ['Host', 'evil.example'],
    ['Authorization', 'Bearer twice'],
    ['Content-Length', '0'],
    ['Content-Encoding', 'gzip'],
    ['Transfer-Encoding', 'identity'],
    ['Expect', '100-continue'],
    ['Upgrade', 'websocket'],
    ['Upgrade', 'h2c'],
    ['Origin', 'null'],
    ['Cookie', 'a=b; '.repeat(1000)],
    ['X-Forwarded-Host', 'evil.example'],
    ['Last-Event-ID', '1'],
    ['X', 'x'.repeat(20_000)],
    ['X Y', 'a name with a space'],
    ['X', `a\rb`],
    ['X', noiseText(random)],
    [' folded', 'line'],
  ]);
}

function framingOf(random: Random, body: Buffer): { headers: Header[]; body: Buffer; isBroken: boolean } {
  const length = (sizeBytes: number): Header[] => [['Content-Length', String(sizeBytes)]];
  const chunked: Header = ['Transfer-Encoding', 'chunked'];
  const sizeHex = body.length.toString(16);
  return random.weighted<() => { headers: Header[]; body: Buffer; isBroken: boolean }>([
    [40, () => ({ headers: length(body.length), body, isBroken: false })],
    [
      5,
      () => ({
        headers: [chunked],
        body: Buffer.concat([Buffer.from(`${sizeHex}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]),
        // A chunk of no bytes ends the body, and what follows is another request.
        isBroken: body.length === 0,
      }),
    ],
    [0.3, () => ({ headers: length(body.length + 10), body, isBroken: true })],
    [1, () => ({ headers: length(Math.max(0, body.length - 10)), body, isBroken: true })],
    [1, () => ({ headers: [...length(body.length), chunked], body, isBroken: true })],
    [1, () => ({ headers: [chunked], body: Buffer.concat([Buffer.from('zz\r\n'), body]), isBroken: true })],
    [1, () => ({ headers: [['Content-Length', '-1']], body, isBroken: true })],
    [1, () => ({ headers: [], body, isBroken: true })],
  ])();
}

function printable(value: unknown): string {
  return typeof value === 'string' ? value.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000) : 'none';
}
