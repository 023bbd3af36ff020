import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuardedFetch, isPublicAddress, type NameLookup } from '../../src/services/guarded-fetch.js';
import { type PageServer, served, startPageServer, status } from './page-server.js';

const signal = new AbortController().signal;
let server: PageServer;
const fetches: GuardedFetch[] = [];

/** May read the test server under 127.0.0.1, unless told otherwise. */
function fetchOf(options: ConstructorParameters<typeof GuardedFetch>[0] = {}): GuardedFetch {
  const guarded = new GuardedFetch({ allowPrivateHosts: [server.host], ...options });
  fetches.push(guarded);
  return guarded;
}

const textOf = (body: Uint8Array) => new TextDecoder().decode(body);

beforeAll(async () => {
  server = await startPageServer({
    '/': served('text/html; charset=UTF-8', '<p>hello'),
    '/plain': served('', 'hello'),
    '/large': served('text/plain', new Uint8Array(200_000)),
    '/bomb': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
      response.end(gzipSync(new Uint8Array(5_000_000)));
    },
    '/slow-headers': () => {},
    '/slow-body': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('some');
    },
    '/reset': (request) => request.socket.destroy(),
    '/hop3': status(302, { location: '/hop2' }),
    '/hop2': status(307, { location: 'hop1' }),
    '/hop1': status(301, { location: '/' }),
    '/hop4': status(302, { location: '/hop3' }),
    '/to-metadata': status(302, { location: 'http://169.254.169.254/latest/meta-data/' }),
    '/to-localhost': (_request, response) => {
      response.writeHead(302, { location: `http://localhost:${server.port}/` }).end();
    },
    '/to-file': status(302, { location: 'file:///etc/passwd' }),
    '/to-name': (_request, response) => {
      response.writeHead(302, { location: `http://inner.test:${server.port}/` }).end();
    },
    '/401': status(401),
    '/403': status(403),
    '/410': status(410),
    '/429': status(429, { 'retry-after': '7' }),
    '/503': status(503),
  });
});

afterAll(async () => {
  await Promise.all(fetches.map((guarded) => guarded.close()));
  await server.close();
});

describe('security default 9: GuardedFetch refuses every spelling of an inner address', () => {
  it.each([
    ['dotted', '127.0.0.1'],
    ['decimal', '2130706433'],
    ['hexadecimal', '0x7f000001'],
    ['hexadecimal parts', '0x7f.0.0.1'],
    ['octal', '0177.0.0.1'],
    ['short', '127.1'],
    ['another loopback address', '127.8.9.10'],
    ['trailing dot', '127.0.0.1.'],
    ['unspecified', '0.0.0.0'],
    ['short unspecified', '0'],
    ['full-width digits', '１２７.0.0.1'],
    ['IPv6 loopback', '[::1]'],
    ['IPv6 unspecified', '[::]'],
    ['mapped', '[::ffff:127.0.0.1]'],
    ['mapped hexadecimal', '[::ffff:7f00:1]'],
    ['compatible', '[::127.0.0.1]'],
    ['translated', '[::ffff:0:127.0.0.1]'],
    ['NAT64', '[64:ff9b::127.0.0.1]'],
    ['local NAT64', '[64:ff9b:1::7f00:1]'],
    ['6to4', '[2002:7f00:1::]'],
    ['Teredo', '[2001:0:7f00:1::]'],
    ['unique local', '[fd00::1]'],
    ['link local', '[fe80::1]'],
    ['site local', '[fec0::1]'],
    ['metadata service', '169.254.169.254'],
    ['private', '10.0.0.1'],
    ['private, too', '172.31.255.1'],
    ['home router', '192.168.1.1'],
    ['carrier-grade', '100.64.0.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['name', 'localhost'],
    ['name with a trailing dot', 'localhost.'],
  ])('%s: %s', async (_what, host) => {
    const before = server.requests.length;
    const guarded = fetchOf({ allowPrivateHosts: [] });
    await expect(guarded.get(`http://${host}:${server.port}/`, signal)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      retryable: false,
      facts: { reason: 'refused-address' },
    });
    expect(server.requests).toHaveLength(before);
  });

  it.each([
    ['only private', ['127.0.0.1']],
    ['one private among public ones', ['93.184.216.34', '10.0.0.1']],
    ['mapped', ['::ffff:127.0.0.1']],
    ['none', []],
  ])('a name whose addresses are %s', async (_what, addresses) => {
    const lookup: NameLookup = (_host, _options, answer) =>
      answer(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    await expect(fetchOf({ lookup }).get('http://inner.test/', signal)).rejects.toMatchObject({
      facts: { reason: 'refused-address', host: 'inner.test' },
    });
  });

  it('a name that answers anew at each look, inward at the second', async () => {
    const answers = ['93.184.216.34', '127.0.0.1'];
    const looked: string[] = [];
    const lookup: NameLookup = (_host, _options, answer) => {
      const address = answers[looked.length] ?? '127.0.0.1';
      looked.push(address);
      // The first address is public, but the connection to it fails, as it does for a name that is about to change.
      if (looked.length === 1) answer(new Error('no route'), []);
      else answer(null, [{ address, family: 4 }]);
    };
    const guarded = fetchOf({ lookup });
    const url = `http://rebinding.test:${server.port}/`;
    await expect(guarded.get(url, signal)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    await expect(guarded.get(url, signal)).rejects.toMatchObject({ facts: { reason: 'refused-address' } });
    expect(looked).toHaveLength(2);
  });

  it.each([
    ['to the metadata service', '/to-metadata', 'refused-address'],
    ['to the same server under a name that is not allowed', '/to-localhost', 'refused-address'],
    ['to a name that leads inward', '/to-name', 'refused-address'],
    ['to a file', '/to-file', 'scheme'],
  ])('a redirect %s', async (_what, path, reason) => {
    const lookup: NameLookup = (_host, _options, answer) =>
      answer(null, [{ address: '127.0.0.1', family: 4 }]);
    await expect(fetchOf({ lookup }).get(server.url(path), signal)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason },
    });
  });

  it.each([
    ['file:///etc/passwd', 'scheme'],
    ['ftp://example.com/', 'scheme'],
    ['data:text/html,hello', 'scheme'],
    ['no address at all', 'scheme'],
    ['http://user:secret@example.com/', 'credentials'],
  ])('%s', async (url, reason) => {
    await expect(fetchOf().get(url, signal)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason },
    });
  });
});

it.each([
  ['93.184.216.34', true],
  ['2606:2800:220:1:248:1893:25c8:1946', true],
  ['fe80::1%eth0', false],
  ['', false],
  ['example.com', false],
])('isPublicAddress(%j) is %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

describe('GuardedFetch reads what is allowed', () => {
  it('under the host and port that the operator names', async () => {
    const page = await fetchOf().get(server.url('/'), signal);
    expect(page).toMatchObject({ url: server.url('/'), contentType: 'text/html', charset: 'UTF-8' });
    expect(textOf(page.body)).toBe('<p>hello');
  });

  it('under the host at any port, when no port is named', async () => {
    expect((await fetchOf({ allowPrivateHosts: ['127.0.0.1'] }).get(server.url('/'), signal)).url).toContain(
      '127.0.0.1',
    );
  });

  it('but not at another port than the one that is named', async () => {
    const guarded = fetchOf({ allowPrivateHosts: [`127.0.0.1:${server.port + 1}`] });
    await expect(guarded.get(server.url('/'), signal)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('through three redirects, and no more', async () => {
    expect((await fetchOf().get(server.url('/hop3'), signal)).url).toBe(server.url('/'));
    await expect(fetchOf().get(server.url('/hop4'), signal)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'redirects' },
    });
  });

  it('up to maxBytes', async () => {
    expect((await fetchOf({ maxBytes: 200_000 }).get(server.url('/large'), signal)).body).toHaveLength(
      200_000,
    );
  });
});

describe('GuardedFetch fails with a code', () => {
  it.each([
    ['a body above maxBytes', '/large', { code: 'INVALID_INPUT', facts: { reason: 'too-large' } }],
    [
      'a small body that unpacks to a large one',
      '/bomb',
      { code: 'INVALID_INPUT', facts: { reason: 'too-large' } },
    ],
    ['HTTP 401', '/401', { code: 'SERVICE_AUTH_REQUIRED', retryable: false }],
    ['HTTP 403', '/403', { code: 'SERVICE_AUTH_REQUIRED', retryable: false }],
    ['HTTP 404', '/nothing', { code: 'SERVICE_FAILED', retryable: false, facts: { status: 404 } }],
    ['HTTP 410', '/410', { code: 'SERVICE_FAILED', retryable: false, facts: { status: 410 } }],
    [
      'HTTP 429',
      '/429',
      { code: 'SERVICE_FAILED', retryable: true, facts: { status: 429, retryAfterSeconds: 7 } },
    ],
    ['HTTP 503', '/503', { code: 'SERVICE_FAILED', retryable: true, facts: { status: 503 } }],
    ['a connection that breaks', '/reset', { code: 'SERVICE_FAILED', retryable: true }],
  ])('%s', async (_what, path, failure) => {
    await expect(fetchOf({ maxBytes: 100_000 }).get(server.url(path), signal)).rejects.toMatchObject(failure);
  });

  it('a port where nobody listens, and a name that does not exist', async () => {
    const free = await startPageServer({});
    await free.close();
    const guarded = fetchOf({ allowPrivateHosts: ['127.0.0.1'] });
    await expect(guarded.get(free.url('/'), signal)).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      retryable: true,
      facts: { code: 'ECONNREFUSED' },
    });
    const lookup: NameLookup = (_host, _options, answer) =>
      answer(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []);
    await expect(fetchOf({ lookup }).get('http://nowhere.test/', signal)).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      retryable: false,
    });
  });

  it('without the query of the address, which may hold secrets', async () => {
    const error = await fetchOf()
      .get(server.url('/401?token=canary'), signal)
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ facts: { url: server.url('/401') } });
    expect(JSON.stringify(error) + String(error)).not.toContain('canary');
  });
});

describe('GuardedFetch ends with its signal', () => {
  it.each([
    ['before the headers', '/slow-headers'],
    ['in the middle of the body', '/slow-body'],
  ])('%s', async (_what, path) => {
    const caller = new AbortController();
    const reading = fetchOf().get(server.url(path), caller.signal);
    setTimeout(() => caller.abort(new Error('enough')), 40);
    await expect(reading).rejects.toThrow('enough');
  });

  it('and never starts when it has fired before', async () => {
    const before = server.requests.length;
    await expect(fetchOf().get(server.url('/'), AbortSignal.abort(new Error('gone')))).rejects.toThrow(
      'gone',
    );
    expect(server.requests).toHaveLength(before);
  });

  it('and by itself when the server falls silent', async () => {
    // undici looks at its timers once a second.
    await expect(fetchOf({ idleTimeoutMs: 100 }).get(server.url('/slow-body'), signal)).rejects.toMatchObject(
      {
        code: 'SERVICE_FAILED',
        retryable: true,
      },
    );
  });
});
