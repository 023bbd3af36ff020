import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failureOf } from '../../src/core/failure.js';
import type { ServiceContext } from '../../src/core/service.js';
import { type HttpServiceOptions, httpService } from '../../src/services/http.js';
import { contextOf } from './service-context.js';
import { closedAddress, sendJson, startStub } from './stub-model-server.js';

type Answer = Parameters<typeof startStub>[0];

async function open(answer: Answer, options: Partial<HttpServiceOptions> = {}) {
  const { address, requests } = await startStub(answer);
  const service = httpService({ url: `${address}/tasks`, ...options });
  const run = async (task = 'x', fields: Partial<ServiceContext> = {}): Promise<unknown> =>
    service.execute(task, contextOf(fields));
  return { run, requests, address };
}

const faultOf = async (work: Promise<unknown>) =>
  failureOf(await work.catch((error: unknown) => error), 's', 1);

describe('a service behind an address', () => {
  it('gets the task as JSON, with a key that is the same for each attempt', async () => {
    const { run, requests } = await open((_request, response) =>
      sendJson(response, 200, { result: { ok: true } }),
    );
    expect(await run('do it', { kwargs: { a: 1 }, deadline: 9 })).toEqual({ ok: true });
    await run('do it', { attempt: 2, idempotencyKey: 'mine' });
    expect(requests[0]).toMatchObject({
      path: '/tasks',
      headers: { 'idempotency-key': 'task-1', 'content-type': 'application/json' },
      body: { task: 'do it', kwargs: { a: 1 }, attempt: 1, deadline: 9 },
    });
    expect(requests[1]?.headers['idempotency-key']).toBe('mine');
  });

  it.each<[string, (response: ServerResponse) => unknown, unknown]>([
    ['JSON without a result', (response) => sendJson(response, 200, { rows: [1] }), { rows: [1] }],
    ['text', (response) => response.setHeader('content-type', 'text/plain').end('plain'), 'plain'],
    ['nothing', (response) => response.writeHead(204).end(), null],
    ['null', (response) => sendJson(response, 200, { result: null }), null],
    ['problem+json', (response) => response.setHeader('content-type', 'application/x+json').end('[1]'), [1]],
  ])('may answer with %s', async (_what, answer, expected) => {
    expect(await (await open((_request, response) => answer(response))).run()).toEqual(expected);
  });

  it.each([
    [400, { retryable: false, countsAgainstCircuit: false }],
    [404, { retryable: false, countsAgainstCircuit: false }],
    [408, { retryable: true, countsAgainstCircuit: true }],
    [429, { retryable: true, countsAgainstCircuit: false, retryAfterMs: 7000 }],
    [500, { retryable: true, countsAgainstCircuit: true }],
    [503, { retryable: true, countsAgainstCircuit: true, retryAfterMs: 7000 }],
  ])('HTTP %i means %j', async (status, expected) => {
    const { run } = await open((_request, response) =>
      sendJson(response, status, 'why', { 'retry-after': '7' }),
    );
    const failure = await faultOf(run());
    expect(failure).toMatchObject(expected);
    expect(failure.error).toMatchObject({ code: 'SERVICE_FAILED', facts: { status } });
  });

  it.each([401, 403])('HTTP %i is SERVICE_AUTH_REQUIRED', async (status) => {
    const { run } = await open((_request, response) => sendJson(response, status, 'no'));
    expect((await faultOf(run())).error.code).toBe('SERVICE_AUTH_REQUIRED');
  });

  it('may say more of its failure, but not speak for the runtime', async () => {
    const error = { code: 'NEEDS_INPUT', message: 'Name a city.', data: { accepted: ['Oslo'] } };
    const { run } = await open(({ body }, response) => {
      const { task } = body as { task: string };
      sendJson(response, 422, { error: task === 'x' ? error : { code: 'CANCELLED', message: 'no' } });
    });
    expect((await faultOf(run())).error).toMatchObject({
      code: 'NEEDS_INPUT',
      message: 'Name a city.',
      facts: { accepted: ['Oslo'], status: 422 },
    });
    expect((await faultOf(run('y'))).error).toMatchObject({
      code: 'SERVICE_FAILED',
      facts: { code: 'CANCELLED' },
    });
  });

  it.each([
    ['application/x-ndjson', (line: object) => `${JSON.stringify(line)}\n`],
    [
      'text/event-stream',
      (line: object) => `: noise\r\nevent: message\r\ndata: ${JSON.stringify(line)}\r\n\r\n`,
    ],
  ])('may tell progress as %s', async (type, write) => {
    const { run } = await open((_request, response) => {
      response.writeHead(200, { 'content-type': type });
      response.write(write({ progress: 0.5, message: 'half' }));
      response.write(write({ result: 'whole' }));
      // It may stay open: the result is there.
    });
    const told: unknown[] = [];
    const progress = (...args: unknown[]): unknown => told.push(args);
    expect(await run('x', { progress })).toBe('whole');
    expect(told).toEqual([[0.5, 'half']]);
  });

  it('a service that is down is retryable, one that breaks off is CRASHED', async () => {
    const down = httpService({ url: await closedAddress() });
    const refused = await faultOf(Promise.resolve(down.execute('x', contextOf())));
    expect(refused).toMatchObject({
      retryable: true,
      countsAgainstCircuit: true,
      error: { code: 'SERVICE_FAILED' },
    });
    const { run } = await open((_request, response) => response.destroy());
    expect(await faultOf(run())).toMatchObject({ countsAgainstCircuit: true, error: { code: 'CRASHED' } });
  });

  it.each([
    [307, 'same', true],
    [308, 'same', true],
    [302, 'same', false],
    [307, 'other', false],
  ])('a redirect %i to the %s origin is followed: %s', async (status, where, isFollowed) => {
    const other = await startStub((_request, response) => sendJson(response, 200, { result: 'other' }));
    const { run, requests } = await open(
      ({ path }, response) => {
        if (path !== '/tasks') return sendJson(response, 200, { result: 'moved' });
        const location = where === 'same' ? '/moved' : `${other.address}/moved`;
        return response.writeHead(status, { location }).end();
      },
      { headers: { authorization: 'Bearer of-our-own' } },
    );
    if (isFollowed) {
      expect(await run()).toBe('moved');
      expect(requests[1]?.body).toMatchObject({ task: 'x' });
    } else expect((await faultOf(run())).error.message).toMatch(/redirects to .*, where tasks are not sent/);
    expect(other.requests).toEqual([]);
  });

  it('its secrets are looked up late, sent, and shown nowhere', async () => {
    const { run, requests } = await open(
      ({ headers }, response) => sendJson(response, 400, { error: `bad token ${headers.authorization}` }),
      { headers: { authorization: `Bearer \${env:GAFFR_TEST_HTTP}` } },
    );
    expect((await faultOf(run())).error.message).toContain('GAFFR_TEST_HTTP');
    process.env.GAFFR_TEST_HTTP = 'a-secret-token';
    onTestFinished(() => void delete process.env.GAFFR_TEST_HTTP);
    const { error } = await faultOf(run());
    expect(requests[0]?.headers.authorization).toBe('Bearer a-secret-token');
    expect(error.message).toContain('[redacted]');
    expect(JSON.stringify([error.message, error.facts, String(error.cause)])).not.toContain('a-secret-token');
  });

  it.each([
    [{ url: 'ftp://x' }, /url/],
    [{ url: 'http://user:pass@x' }, /credentials/],
    [{ url: 'http://x', headers: { 'a b': 'c' } }, /header/],
    [{ url: 'http://x', apikey: 'x' }, /apikey/],
  ])('refuses the options %j', (options, words) => {
    expect(() => httpService(options as never)).toThrow(words);
  });
});
