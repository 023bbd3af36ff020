import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResponsesService } from '../../src/services/builtin/responses.js';
import { type PageServer, served, startPageServer, status } from './page-server.js';
import { contextOf } from './service-context.js';

let server: PageServer;
let responses: ReturnType<typeof createResponsesService>;

const read = (task: string, kwargs: Record<string, unknown> = {}) =>
  responses.execute(task, contextOf({ kwargs }));

beforeAll(async () => {
  const latin = Buffer.from('<html><title>Caf\u00e9</title><body>Cr\u00e8me</body></html>', 'latin1');
  server = await startPageServer({
    '/article': served('text/html; charset=utf-8', readFileSync('examples/page.html')),
    '/dated': served(
      'text/html',
      `<html><head><title>D</title><base href="https://base.example/a/"><meta property="article:published_time" content=" 2026-03-04T05:06:07Z ">
      </head><body><a href="https://other.example/next">Next
      one</a><a href="deep?q=1">deep</a><a href="deep?q=1">again</a><a href="#top">top</a><a href="javascript:alert(1)">x</a></body></html>`,
    ),
    '/dated-json': served(
      'text/html',
      '<html><head><script type="application/ld+json">{"@type":"Article","datePublished": "2026-01-02"}</script></head><body><time datetime="2020-01-01">x</time></body></html>',
    ),
    '/dated-time': served(
      'text/html',
      '<html><head></head><body><time datetime="2025-12-31">New Year</time></body></html>',
    ),
    '/dated-badly': served(
      'text/html',
      '<html><head><meta name="date" content="yesterday"></head><body>x</body></html>',
    ),
    '/thin': served(
      'text/html',
      '<title>Status</title><body><nav><a href="/">Home</a></nav><p>All well.</p></body>',
    ),
    '/bare': served('text/html', 'just words, <b>no</b> body'),
    '/empty': served('text/html', ''),
    '/latin': served('text/html; charset=ISO-8859-1', latin),
    '/unknown-charset': served('text/html; charset=klingon', '<title>A</title><body>words'),
    '/text': served('text/plain', ' plain words \n'),
    '/json': served('application/json', '{"a":1}'),
    '/feed': served('application/atom+xml', '<feed/>'),
    '/png': served('image/png', readFileSync('examples/receipt.jpg')),
    '/untyped-html': served('', '<!doctype html><title>T</title><body>Untyped.'),
    '/untyped-binary': served('', new Uint8Array([1, 0, 2])),
    '/deep': served('text/html', `<body>${'<div>'.repeat(20_000)}deep${'</div>'.repeat(20_000)}</body>`),
    '/moved': status(302, { location: '/article' }),
    '/slow': (_request, response) => {
      response.write('<p>');
    },
  });
  responses = createResponsesService({ allowPrivateHosts: [server.host] });
});

afterAll(async () => {
  await responses.close?.();
  await server.close();
});

describe('responses reads a page', () => {
  it('as title, text and links, without what surrounds the article', async () => {
    const page = await read(`Browse ${server.url('/article')}.`);
    expect(page).toMatchObject({
      kind: 'page',
      url: server.url('/article'),
      title: 'How lighthouses tell their names',
      totalLinks: 11,
      date: null,
      isArticle: true,
    });
    const { text } = page as { text: string };
    expect(text).toMatch(/^Seen from the sea at night.*seen for 23 miles\.$/s);
    expect(text.split('\n\n')).toHaveLength(4);
    expect(text).not.toMatch(/Subscribe|Most read|Cookies|window/);
  });

  it('with its date and its links, absolute and each once', async () => {
    expect(await read(`Browse ${server.url('/dated')}`)).toMatchObject({
      date: '2026-03-04T05:06:07Z',
      links: [
        { text: 'Next one', url: 'https://other.example/next' },
        { text: 'deep', url: 'https://base.example/a/deep?q=1' },
      ],
      totalLinks: 5,
    });
  });

  it.each([
    ['/dated-json', '2026-01-02'],
    ['/dated-time', '2025-12-31'],
    ['/dated-badly', null],
  ])('with the date that %s states: %s', async (path, date) => {
    expect(await read(`Browse ${server.url(path)}`)).toMatchObject({ date });
  });

  it('named in kwargs.url, through a redirect', async () => {
    expect(await read('Read this', { url: server.url('/moved') })).toMatchObject({
      url: server.url('/article'),
    });
  });

  it.each([
    [
      'a thin page as the text of its body',
      '/thin',
      { title: 'Status', text: 'Home\n\nAll well.', isArticle: false },
    ],
    ['words without a body', '/bare', { title: null, text: 'just words, no body' }],
    ['an empty page', '/empty', { title: null, text: '' }],
    ['the charset of the header', '/latin', { title: 'Café', text: 'Crème' }],
    ['an unknown charset as UTF-8', '/unknown-charset', { title: 'A', text: 'words' }],
    ['plain text', '/text', { kind: 'text', title: null, text: 'plain words', links: [], totalLinks: 0 }],
    ['JSON', '/json', { kind: 'json', text: '{"a":1}' }],
    ['a feed', '/feed', { kind: 'text', text: '<feed/>' }],
    ['HTML without a type', '/untyped-html', { kind: 'page', title: 'T', text: 'Untyped.' }],
    ['a page nested deeper than the stack', '/deep', { kind: 'page', text: 'deep' }],
  ])('%s', async (_what, path, expected) => {
    expect(await read(`Browse ${server.url(path)}`)).toMatchObject(expected);
  });

  it.each([
    ['a picture', '/png', 'image/png'],
    ['bytes without a type', '/untyped-binary', 'application/octet-stream'],
  ])('but not %s', async (_what, path, contentType) => {
    await expect(read(`Browse ${server.url(path)}`)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'unsupported-type', contentType },
    });
  });

  it('but none inside the machine that the operator does not allow', async () => {
    await expect(read(`Browse http://localhost:${server.port}/article`)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'refused-address' },
    });
  });

  it('until the caller cancels', async () => {
    const caller = new AbortController();
    const reading = responses.execute(`Browse ${server.url('/slow')}`, contextOf({ signal: caller.signal }));
    setTimeout(() => caller.abort(new Error('enough')), 30);
    await expect(reading).rejects.toThrow('enough');
  });
});
