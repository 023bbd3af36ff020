import { describe, expect, it } from 'vitest';
import { LlmStrategy, openaiAsk, openaiEmbed } from '../../src/index.js';
import { contextOf, HandClock, profilesOf, recordingLog } from '../strategies/support.js';
import {
  closedAddress,
  modelThatSays,
  sendEvents,
  sendJson,
  startStub,
  textEvent,
} from './stub-model-server.js';

const QUESTION = { instructions: 'Choose', text: '{"task":"x"}', schema: { type: 'object' } };
const signal = new AbortController().signal;

describe('openaiAsk()', () => {
  it('asks for JSON of the schema at temperature 0 and answers with the text', async () => {
    const server = await startStub(modelThatSays('{"service":"chat"}'));
    const ask = openaiAsk({ baseURL: server.baseURL, model: 'stub-1', apiKey: 'sk-1' });
    expect(await ask(QUESTION, signal)).toBe('{"service":"chat"}');
    expect(server.requests).toMatchObject([
      {
        path: '/v1/chat/completions',
        headers: { authorization: 'Bearer sk-1' },
        body: {
          model: 'stub-1',
          temperature: 0,
          messages: [
            { role: 'system', content: 'Choose' },
            { role: 'user', content: '{"task":"x"}' },
          ],
          response_format: { type: 'json_schema', json_schema: { strict: true, schema: { type: 'object' } } },
        },
      },
    ]);
  });

  it('leaves the temperature to the server when it is null', async () => {
    const server = await startStub(modelThatSays('{}'));
    await openaiAsk({ baseURL: server.baseURL, model: 'stub-1', temperature: null })(QUESTION, signal);
    expect(server.requests[0]?.body).not.toHaveProperty('temperature');
  });

  it('rejects an answer above 64 KiB, a refusal and a server that is not there, never saying the key', async () => {
    const apiKey = 'sk-very-secret';
    const large = await startStub(({ path }, response) =>
      path.endsWith('/models')
        ? sendJson(response, 200, { data: [] })
        : sendEvents(response, Array(20).fill(textEvent('x'.repeat(10_000)))),
    );
    const refusing = await startStub((_, response) =>
      sendJson(response, 401, { error: { message: `bad key ${apiKey}` } }),
    );
    for (const [baseURL, code] of [
      [large.baseURL, 'RESULT_TOO_LARGE'],
      [refusing.baseURL, 'SERVICE_AUTH_REQUIRED'],
      [`${await closedAddress()}/v1`, 'SERVICE_FAILED'],
    ] as const) {
      const fault = await openaiAsk({ baseURL, model: 'm', apiKey })(QUESTION, signal).catch(
        (cause: Error) => cause,
      );
      expect(fault).toMatchObject({ code });
      expect(String((fault as Error).message)).not.toContain(apiKey);
    }
  });

  it.each([
    [{}],
    [{ baseURL: 'ftp://x', model: 'm' }],
    [{ baseURL: 'http://user:sk@host/v1', model: 'm' }],
    [{ baseURL: 'http://x/v1', model: 'm', apikey: 'typo' }],
    [{ baseURL: 'http://x/v1', model: 'm', apiKey: 'line\nbreak' }],
    [{ baseURL: 'http://x/v1', model: 'm', system: 'not here' }],
  ])('refuses %j without repeating the key', (options) => {
    expect(() => openaiAsk(options as never)).toThrow(TypeError);
    expect(() => openaiAsk(options as never)).not.toThrow(/line\nbreak|user:sk/);
  });
});

describe('LlmStrategy over an OpenAI-compatible server', () => {
  const route = (ask: ReturnType<typeof openaiAsk>, log = recordingLog()) => {
    const profiles = profilesOf('chat', 'vision');
    const local = { name: 'local', route: () => [['vision', 0.3] as const] };
    const context = contextOf(profiles, { clock: new HandClock(), log });
    return new LlmStrategy({ ask, local }).route('hm', ['chat', 'vision'], context);
  };

  it('takes its choice', async () => {
    const server = await startStub(modelThatSays('{"service":"chat"}'));
    expect(await route(openaiAsk({ baseURL: server.baseURL, model: 'm' }))).toMatchObject([
      { service: 'chat', strategy: 'llm' },
      { service: 'vision', confidence: 0.3 },
    ]);
  });

  it('fault R1 keeps the local ranking when it answers 500, and the key out of the log', async () => {
    const apiKey = 'sk-very-secret';
    const server = await startStub((_, response) =>
      sendJson(response, 500, { error: `no room for ${apiKey}` }),
    );
    const log = recordingLog();
    expect(await route(openaiAsk({ baseURL: server.baseURL, model: 'm', apiKey }), log)).toMatchObject([
      { service: 'vision', confidence: 0.3 },
    ]);
    expect(log.warnings).toHaveLength(1);
    expect(JSON.stringify(log.warnings)).not.toContain(apiKey);
    expect(server.requests).toHaveLength(1);
  });
});

describe('openaiEmbed()', () => {
  const embedding = (index: number, ...values: unknown[]) => ({ index, embedding: values });

  it('sends the texts in one call and answers with vectors in their order', async () => {
    const server = await startStub((_, response) =>
      sendJson(response, 200, { data: [embedding(1, 0.5, 1), embedding(0, -1, 0.25)] }),
    );
    const vectors = await openaiEmbed({ baseURL: server.baseURL, model: 'stub-e' })(['a', 'b'], signal);
    expect(vectors).toEqual([Float32Array.of(-1, 0.25), Float32Array.of(0.5, 1)]);
    expect(server.requests).toMatchObject([
      { path: '/v1/embeddings', body: { model: 'stub-e', input: ['a', 'b'], encoding_format: 'float' } },
    ]);
  });

  it.each([
    ['a page', '<html></html>'],
    ['no list', { data: {} }],
    ['base64', { data: [{ index: 0, embedding: 'AAAA' }] }],
  ])('rejects %s', async (_, body) => {
    const server = await startStub((_request, response) => sendJson(response, 200, body));
    const embed = openaiEmbed({ baseURL: server.baseURL, model: 'm' });
    await expect(embed(['a'], signal)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
  });

  it('ends with the signal', async () => {
    const server = await startStub(() => {});
    const controller = new AbortController();
    const embed = openaiEmbed({ baseURL: server.baseURL, model: 'm' });
    const vectors = embed(['a'], controller.signal);
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(vectors).rejects.toThrow('enough');
  });
});
