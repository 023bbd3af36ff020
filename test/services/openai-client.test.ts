import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createOpenAIService, type OpenAIOptions } from '../../src/services/openai.js';
import { contextOf } from './service-context.js';
import {
  closedAddress,
  modelThatSays,
  type StubModelServer,
  sendEvents,
  sendJson,
  startStub,
  textEvent,
} from './stub-model-server.js';

const ask = async (
  { baseURL }: Pick<StubModelServer, 'baseURL'>,
  fields = {},
  options: Partial<OpenAIOptions> = {},
): Promise<unknown> =>
  createOpenAIService({ baseURL, model: 'stub-1', ...options }).execute('Say hello', contextOf(fields));

describe('createOpenAIService()', () => {
  it('joins the pieces and counts the tokens', async () => {
    const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
    const server = await startStub((_, response) =>
      sendEvents(response, [
        ': a comment\r\n\r\n',
        textEvent('Hel'),
        textEvent('lo', 'stop'),
        `data: ${JSON.stringify({ choices: [], usage })}\r\n\r\ndata: [DO`,
        'NE]\n\n',
      ]),
    );
    expect(await ask(server)).toEqual({
      text: 'Hello',
      model: 'stub-1',
      finishReason: 'stop',
      usage: { promptTokens: 7, completionTokens: 2 },
    });
  });

  it('sends system, earlier messages, the task and the arguments beside it', async () => {
    const server = await startStub(modelThatSays('ok'));
    const kwargs = {
      messages: [{ role: 'assistant', content: 'Before' }],
      temperature: 0.1,
      maxTokens: 5,
      dependencies: { first: 'result' },
    };
    await ask(server, { kwargs }, { system: 'Be brief', apiKey: 'sk-1', headers: { 'x-team': 'a' } });
    expect(server.requests).toMatchObject([
      {
        path: '/v1/chat/completions',
        headers: { authorization: 'Bearer sk-1', 'x-team': 'a' },
        body: {
          model: 'stub-1',
          stream: true,
          temperature: 0.1,
          max_tokens: 5,
          messages: [
            { role: 'system', content: 'Be brief' },
            { role: 'assistant', content: 'Before' },
            { role: 'user', content: expect.stringMatching(/^Say hello\n.*"first": "result"/s) },
          ],
        },
      },
    ]);
  });

  it('reads an answer that is not streamed', async () => {
    const server = await startStub((_, response) =>
      sendJson(response, 200, { choices: [{ message: { content: 'Hello' }, finish_reason: 'length' }] }),
    );
    expect(await ask(server)).toMatchObject({ text: 'Hello', finishReason: 'length', usage: null });
  });

  it('tells the progress at most four times a second, never reaching 1', async () => {
    let nowMs = 0;
    const told: [number, string | undefined][] = [];
    const pieces = Array.from({ length: 10 }, () => textEvent('x'.repeat(100)));
    const server = await startStub((_, response) =>
      sendEvents(response, [...pieces, textEvent('', 'stop'), 'data: [DONE]\n\n']),
    );
    const progress = (fraction: number, message?: string) => told.push([fraction, message]);
    await ask(server, { progress }, { now: () => (nowMs += 50) });
    expect(told).toEqual([
      [500 / 1500, '500 characters'],
      [1000 / 2000, '1000 characters'],
    ]);
  });

  it('promise C6: an abort in the middle of a stream ends the call and the connection', async () => {
    const giveUp = new AbortController();
    let isClosed: Promise<unknown> = Promise.resolve();
    const server = await startStub((_, response) => {
      isClosed = once(response, 'close');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(textEvent('Hel'));
    });
    const answer = ask(
      server,
      { signal: giveUp.signal, progress: () => giveUp.abort(new Error('enough')) },
      { now: stepClock(1000) },
    );
    await expect(answer).rejects.toThrow('enough');
    await isClosed;
  });
});

describe('createOpenAIService() maps faults', () => {
  const failing = (status: number, body: unknown, headers = {}) =>
    startStub((_, response) => sendJson(response, status, body, headers));

  it.each<[number, string, boolean]>([
    [400, 'SERVICE_FAILED', false],
    [401, 'SERVICE_AUTH_REQUIRED', false],
    [403, 'SERVICE_AUTH_REQUIRED', false],
    [404, 'SERVICE_FAILED', false],
    [408, 'SERVICE_FAILED', true],
    [429, 'SERVICE_FAILED', true],
    [500, 'SERVICE_FAILED', true],
    [503, 'SERVICE_FAILED', true],
    [302, 'SERVICE_FAILED', false],
  ])('HTTP %d is %s, retryable %s', async (status, code, retryable) => {
    const server = await failing(
      status,
      { error: { message: 'because' } },
      { location: 'http://127.0.0.1:1/' },
    );
    await expect(ask(server)).rejects.toMatchObject({
      code,
      retryable,
      facts: { status },
      message: expect.stringContaining('because'),
    });
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7],
    [
      "a date, by the server's clock",
      { 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' },
      90,
    ],
    ['a date that has passed', { 'retry-after': 'Thu, 01 Jan 2015 00:00:00 GMT' }, 0],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['nothing', {}, undefined],
  ])('fault S20: 429 with Retry-After as %s', async (_, headers, retryAfterSeconds) => {
    const server = await failing(429, { error: 'slow down' }, headers);
    const error: unknown = await ask(server).catch((fault: unknown) => fault);
    expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('slow down') });
    expect((error as { facts: Record<string, unknown> }).facts.retryAfterSeconds).toBe(retryAfterSeconds);
  });

  it('never repeats the key that a server repeats', async () => {
    const server = await failing(401, { error: { message: 'Incorrect API key provided: sk-secret' } });
    const error: unknown = await ask(server, {}, { apiKey: 'sk-secret' }).catch((fault: unknown) => fault);
    expect(error).toMatchObject({ message: expect.stringContaining('provided: [redacted]') });
    expect(JSON.stringify(error)).not.toContain('sk-secret');
  });

  it('a refused connection is retryable and has no status', async () => {
    const baseURL = `${await closedAddress()}/v1`;
    await expect(ask({ baseURL })).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      retryable: true,
      facts: { address: baseURL },
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each<[string, (response: ServerResponse) => unknown, boolean]>([
    ['malformed JSON in an event', (response) => sendEvents(response, ['data: {oops}\n\n']), false],
    ['malformed JSON as the answer', (response) => sendJson(response, 200, '{oops'), false],
    ['events of another kind', (response) => sendEvents(response, ['data: {"choices":7}\n\n']), false],
    [
      'a page instead of an answer',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      false,
    ],
    ['a stream that ends early', (response) => sendEvents(response, [textEvent('Hel')]), true],
    [
      'a stream cut inside a line',
      (response) => sendEvents(response, [textEvent('Hel'), 'data: {"cho']),
      true,
    ],
    [
      'a connection that breaks',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(textEvent('Hel'), () => response.destroy());
      },
      true,
    ],
    [
      'an error inside the stream',
      (response) => sendEvents(response, [textEvent('Hel'), 'data: {"error":{"message":"overloaded"}}\n\n']),
      true,
    ],
  ])('%s is SERVICE_FAILED', async (_, answer, retryable) => {
    const server = await startStub((_request, response) => answer(response));
    await expect(ask(server)).rejects.toMatchObject({ code: 'SERVICE_FAILED', retryable });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['an answer', (response) => endless(response, textEvent('x'.repeat(10_000)))],
    ['a line', (response) => endless(response, 'x'.repeat(10_000))],
  ])('fault S6: %s without end is RESULT_TOO_LARGE while it is read', async (_, answer) => {
    const server = await startStub((_request, response) => answer(response));
    const error: unknown = await ask(server, {}, { maxResultBytes: 100_000 }).catch(
      (fault: unknown) => fault,
    );
    expect(error).toMatchObject({ code: 'RESULT_TOO_LARGE', retryable: false });
    expect((error as { facts: { preview: string } }).facts.preview.length).toBeLessThanOrEqual(1024);
  });

  it.each([{ temperature: 9 }, { messages: [{ role: 'robot', content: '' }] }])(
    'refuses the kwargs %j',
    async (kwargs) => {
      const server = await startStub(modelThatSays('ok'));
      await expect(ask(server, { kwargs })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(server.requests).toHaveLength(0);
    },
  );

  it.each([
    { baseURL: 'ftp://host/v1', model: 'm' },
    { baseURL: 'http://user:secret@host/v1', model: 'm' },
    { baseURL: 'http://host/v1', model: 'm', apiKey: 'two\nlines' },
    { baseURL: 'http://host/v1', model: 'm', apikey: 'k' },
  ])('refuses the options %j without showing a secret', (options) => {
    expect(() => createOpenAIService(options)).toThrow(TypeError);
    expect(() => createOpenAIService(options)).not.toThrow(/secret|two/);
  });
});

function stepClock(stepMs: number): () => number {
  let nowMs = 0;
  return () => (nowMs += stepMs);
}

function endless(response: ServerResponse, piece: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const push = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', push);
  push();
}
