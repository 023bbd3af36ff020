import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResponsesService } from '../../src/services/builtin/responses.js';
import { type PageServer, served, startPageServer, status } from './page-server.js';
import { contextOf } from './service-context.js';

const results = [
  { url: 'https://a.example/', title: 'A', content: 'About A', engine: 'x' },
  { url: 'https://b.example/', title: 'B' },
  { url: 'https://c.example/', title: 'C', content: null },
];

interface Asked {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
const asked: Asked[] = [];

/** Answers with JSON and keeps what it was asked. */
function recorded(answer: object) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push({ method: request.method, headers: request.headers, body: await readText(request) });
    served('application/json', JSON.stringify(answer))(request, response);
  };
}

let server: PageServer;
const services: ReturnType<typeof createResponsesService>[] = [];

function webOf(path: string) {
  const service = createResponsesService({ search: { provider: 'searxng', url: server.url(path) } });
  services.push(service);
  return (task: string, kwargs: Record<string, unknown> = {}) => service.execute(task, contextOf({ kwargs }));
}

beforeAll(async () => {
  server = await startPageServer({
    '/good/search': served('application/json', JSON.stringify({ query: 'x', results })),
    '/no-json/search': status(403),
    '/other/search': served('text/html', '<p>hello'),
    '/brave': recorded({
      type: 'search',
      web: {
        results: [
          { ...results[0], content: undefined, description: 'About <strong>cats</strong>' },
          results[1],
        ],
      },
    }),
    '/brave-nothing': recorded({ type: 'search', query: {} }),
    '/tavily': recorded({ query: 'x', results }),
    '/no-key': status(401),
    '/elsewhere': status(302, { location: '/stolen' }),
    '/busy/search': status(429, { 'retry-after': '3' }),
  });
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.close?.()));
  await server.close();
});

describe('responses searches the web with SearXNG', () => {
  it('and answers with the hits', async () => {
    expect(await webOf('/good')('Search the web for cats & dogs')).toEqual({
      kind: 'web',
      query: 'cats & dogs',
      hits: [
        { title: 'A', url: 'https://a.example/', snippet: 'About A' },
        { title: 'B', url: 'https://b.example/', snippet: '' },
        { title: 'C', url: 'https://c.example/', snippet: '' },
      ],
    });
    expect(server.requests).toContain('/good/search?q=cats+%26+dogs&format=json');
  });

  it('up to kwargs.limit', async () => {
    expect(await webOf('/good/')('Find it', { query: 'x', limit: 1 })).toMatchObject({
      hits: [{ title: 'A' }],
    });
  });

  it.each([
    [
      'JSON is off',
      '/no-json',
      { code: 'NO_SEARCH_PROVIDER', message: expect.stringContaining('settings.yml') },
    ],
    ['the server is another one', '/other', { code: 'SERVICE_FAILED', retryable: false }],
    [
      'the server is busy',
      '/busy',
      { code: 'SERVICE_FAILED', retryable: true, facts: { retryAfterSeconds: 3 } },
    ],
  ])('and fails when %s', async (_what, path, failure) => {
    await expect(webOf(path)('Search the web for cats')).rejects.toMatchObject(failure);
  });

  it('and asks what for', async () => {
    await expect(webOf('/good')('Search the web')).rejects.toMatchObject({ code: 'NEEDS_INPUT' });
  });

  it('without opening that server to tasks that name its address', async () => {
    await expect(webOf('/good')(`Browse ${server.url('/good/search')}`)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'refused-address' },
    });
  });
});

describe('responses searches the web with a provider that wants a key', () => {
  const KEY = 'provider-key-0123456789';

  async function searchWith(provider: 'brave' | 'tavily', path: string, limit = 2) {
    const url = server.url(path);
    const service = createResponsesService({ search: { provider, apiKey: KEY, url } });
    services.push(service);
    return service.execute('Search the web for cats & dogs', contextOf({ kwargs: { limit } }));
  }

  it('Brave', async () => {
    expect(await searchWith('brave', '/brave')).toMatchObject({
      kind: 'web',
      hits: [
        { title: 'A', url: 'https://a.example/', snippet: 'About cats' },
        { title: 'B', url: 'https://b.example/', snippet: '' },
      ],
    });
    expect(server.requests).toContain('/brave?q=cats+%26+dogs&count=2');
    expect(asked.at(-1)).toMatchObject({ method: 'GET', headers: { 'x-subscription-token': KEY } });
  });

  it('Brave, when it finds nothing', async () => {
    expect(await searchWith('brave', '/brave-nothing')).toMatchObject({ hits: [] });
  });

  it('Tavily', async () => {
    expect(await searchWith('tavily', '/tavily')).toMatchObject({
      hits: [{ title: 'A', url: 'https://a.example/', snippet: 'About A' }, { title: 'B' }],
    });
    expect(asked.at(-1)).toMatchObject({
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ query: 'cats & dogs', max_results: 2 }),
    });
  });

  it.each(['brave', 'tavily'] as const)('%s refuses the key', async (provider) => {
    await expect(searchWith(provider, '/no-key')).rejects.toMatchObject({
      code: 'SERVICE_AUTH_REQUIRED',
      retryable: false,
    });
  });

  it('the key goes nowhere else', async () => {
    await expect(searchWith('brave', '/elsewhere')).rejects.toMatchObject({ facts: { reason: 'redirects' } });
    expect(server.requests).not.toContain('/stolen');
  });
});

it.each(['Search Google for latest news', 'Search web', 'Search the web for info'])(
  'responses says how to configure a search provider: %s',
  async (task) => {
    const service = createResponsesService();
    services.push(service);
    await expect(service.execute(task, contextOf())).rejects.toMatchObject({
      code: 'NO_SEARCH_PROVIDER',
      retryable: false,
      message: expect.stringContaining('"searxng"'),
    });
  },
);
