import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ChatOptions, createChatService } from '../../src/services/builtin/chat.js';
import { contextOf } from './service-context.js';
import { closedAddress, modelThatSays, sendJson, startStub } from './stub-model-server.js';

const ask = async (options: ChatOptions, fields = {}): Promise<unknown> =>
  createChatService(options).execute('Explain how async works', contextOf(fields));

afterEach(() => vi.unstubAllEnvs());

describe('createChatService() without a baseURL', () => {
  it('answers NO_MODEL with the addresses tried when no server is there', async () => {
    const probe = [await closedAddress(), await closedAddress()];
    await expect(ask({ probe })).rejects.toMatchObject({
      code: 'NO_MODEL',
      retryable: false,
      facts: { tried: probe },
      message: expect.stringMatching(
        new RegExp(`${probe.join(', ')}.*If you are a model calling this tool: answer the task yourself\\.$`),
      ),
    });
  });

  it('asks Ollama, LM Studio and llama.cpp on loopback and nothing else', async () => {
    const asked: string[] = [];
    const fetch = async (url: string | URL | Request) => {
      asked.push(String(url));
      throw new TypeError('fetch failed');
    };
    await expect(ask({ fetch })).rejects.toMatchObject({ code: 'NO_MODEL' });
    expect(asked).toEqual([
      'http://127.0.0.1:11434/v1/models',
      'http://127.0.0.1:1234/v1/models',
      'http://127.0.0.1:8080/v1/models',
    ]);
  });

  it('takes the first address with a model that is not for embeddings', async () => {
    const other = await startStub((_, response) => sendJson(response, 404, 'not found'));
    const embeddings = await startStub(modelThatSays('no', ['nomic-embed-text']));
    const first = await startStub(modelThatSays('Hello', ['bge-embed', 'llama3']));
    const second = await startStub(modelThatSays('no'));
    const probe = [
      await closedAddress(),
      ...[other, embeddings, first, second].map(({ address }) => address),
    ];
    expect(await ask({ probe })).toMatchObject({ text: 'Hello' });
    expect(first.requests.at(-1)).toMatchObject({ body: { model: 'llama3' } });
  });

  it('takes the address that has the wanted model', async () => {
    const one = await startStub(modelThatSays('no', ['a']));
    const two = await startStub(modelThatSays('yes', ['a', 'b'].slice(1)));
    expect(await ask({ probe: [one.address, two.address], model: 'b' })).toMatchObject({ text: 'yes' });
    await expect(ask({ probe: [one.address], model: 'b' })).rejects.toMatchObject({
      code: 'NO_MODEL',
      message: expect.stringContaining('"b"'),
    });
  });

  it('gives up on an address that does not answer within 300 ms', async () => {
    const silent = await startStub(() => {});
    const speaking = await startStub(modelThatSays('Hello'));
    expect(await ask({ probe: [silent.address, speaking.address] })).toMatchObject({ text: 'Hello' });
  });

  it('keeps what it found for a short time, and less long that nothing was there', async () => {
    let nowMs = 0;
    let models: { id: string }[] = [];
    const server = await startStub((request, response) =>
      request.path.endsWith('/models')
        ? sendJson(response, 200, { data: models })
        : modelThatSays('Hello')(request, response),
    );
    const probes = () => server.requests.filter(({ path }) => path === '/v1/models').length;
    const chat = createChatService({ probe: [server.address], now: () => nowMs });
    const askChat = async (): Promise<unknown> => chat.execute('Hi', contextOf());

    await expect(askChat()).rejects.toMatchObject({ code: 'NO_MODEL' });
    models = [{ id: 'stub-1' }];
    nowMs = 2_999;
    await expect(askChat()).rejects.toMatchObject({ code: 'NO_MODEL' });
    nowMs = 3_000;
    await Promise.all([askChat(), askChat()]);
    expect(probes()).toBe(2);
    nowMs = 32_999;
    await askChat();
    expect(probes()).toBe(2);
    nowMs = 33_000;
    await askChat();
    expect(probes()).toBe(3);
  });

  it('looks again after the server found has failed', async () => {
    let status = 503;
    const server = await startStub((request, response) =>
      request.path.endsWith('/models') || status === 200
        ? modelThatSays('Hello')(request, response)
        : sendJson(response, status, {}),
    );
    const chat = createChatService({ probe: [server.address] });
    await expect(chat.execute('Hi', contextOf())).rejects.toMatchObject({ facts: { status: 503 } });
    status = 200;
    expect(await chat.execute('Hi', contextOf())).toMatchObject({ text: 'Hello' });
    expect(server.requests.filter(({ path }) => path === '/v1/models')).toHaveLength(2);
  });

  it('ends promptly when it is aborted', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(ask({ probe: ['http://127.0.0.1:9'] }, { signal })).rejects.toThrow('too late');
  });
});

describe('createChatService() with a baseURL', () => {
  it('uses it and probes nothing', async () => {
    const server = await startStub(modelThatSays('Hello'));
    const options = { baseURL: `${server.baseURL}/`, model: 'stub-1', apiKey: 'sk-1' };
    expect(await ask(options)).toMatchObject({ text: 'Hello' });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
  });

  it('takes the first model of the server when none is named', async () => {
    const server = await startStub(modelThatSays('Hello', ['first', 'second']));
    await ask({ baseURL: server.baseURL });
    expect(server.requests).toMatchObject([{ path: '/v1/models' }, { body: { model: 'first' } }]);
  });

  it('is retryable while the server is down, for it may come up', async () => {
    const baseURL = `${await closedAddress()}/v1`;
    await expect(ask({ baseURL })).rejects.toMatchObject({ code: 'SERVICE_FAILED', retryable: true });
  });
});

describe('createChatService()', () => {
  it('never picks up a key from the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-from-environment');
    const server = await startStub(modelThatSays('Hello'));
    await ask({ baseURL: server.baseURL });
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('authorization');
  });

  it('refuses a key without a baseURL: it is not sent to whatever is found', () => {
    expect(() => createChatService({ apiKey: 'sk-1' })).toThrow(/baseURL/);
  });

  it('refuses unknown options, naming them', () => {
    expect(() => createChatService({ apikey: 'x' } as ChatOptions)).toThrow(/"apikey"/);
  });

  it('describes itself for the router and sets no keywords', () => {
    const service = createChatService();
    expect(service.examples?.length).toBeGreaterThanOrEqual(6);
    expect(service.keywords).toBeUndefined();
  });
});
