import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResponsesService } from '../../src/services/builtin/responses.js';
import type { BrowserResult } from '../../src/services/builtin/responses-browser.js';
import { targetOf } from '../../src/services/builtin/responses-browser-snapshot.js';
import { readSteps } from '../../src/services/builtin/responses-browser-steps.js';
import { fixture } from './child-port.js';
import { type PageServer, served, startPageServer, status } from './page-server.js';
import { contextOf } from './service-context.js';

function foldersOfBrowsers(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('gaffr-browser-'));
}

describe('readSteps()', () => {
  it.each([
    [
      'Open https://example.com/a,b and click "Sign in"',
      [{ navigate: 'https://example.com/a,b' }, { click: 'Sign in' }],
    ],
    [
      'Go to example.com, type "tea and cake" into the "Search" field, press enter. Then take a screenshot.',
      [
        { navigate: 'https://example.com' },
        { type: 'tea and cake', into: 'Search' },
        { press: 'Enter' },
        { screenshot: true },
      ],
    ],
    ['please fill in the e-mail field with "a@b.c"', [{ type: 'a@b.c', into: 'e-mail' }]],
    ['Click the login button', [{ click: 'login' }]],
    ['type "x" into "q" and submit', [{ type: 'x', into: 'q', submit: true }]],
    ['Click "More"; wait for "Results"', [{ click: 'More' }, { waitFor: 'Results' }]],
    [
      'open localhost:8080/x and take a screenshot of the page',
      [{ navigate: 'http://localhost:8080/x' }, { screenshot: true }],
    ],
  ])('%s', (task, steps) => {
    expect(readSteps(task)).toEqual({ steps });
  });

  it.each([
    ['Open https://example.com and buy the cheapest "phone"', 'buy the cheapest "phone"'],
    ['Click "A" unless it is raining', '"A" unless it is raining'],
    ['', ''],
  ])('leaves nothing out of %j', (task, unclear) => {
    expect(readSteps(task)).toMatchObject({ unclear: expect.stringContaining(unclear) });
  });

  it('takes no time for hostile words', () => {
    const startedMs = performance.now();
    readSteps(`click ${'a '.repeat(4000)}`);
    readSteps(`type "${'x" into "'.repeat(900)}`);
    readSteps('go to '.repeat(1300));
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

describe('targetOf()', () => {
  const snapshot = [
    '- textbox "Name" [ref=e1]',
    '- button "Save" [ref=e2]',
    '- button "Save as" [ref=e3]',
    '- button "Delete" [ref=e4]',
    '- link "Delete" [ref=e5]:',
    '- text: Save [ref=e9]',
    '- heading "Say \\"hi\\"" [level=1] [ref=e6]',
  ].join('\n');

  it.each([
    ['save', 'e2'],
    ['as', 'e3'],
    ['Say "hi"', 'e6'],
  ])('finds %s as %s', (words, ref) => {
    expect(targetOf(snapshot, 'click', words)).toBe(ref);
  });

  it('finds the only field without words', () => expect(targetOf(snapshot, 'type', undefined)).toBe('e1'));

  it.each(['Delete', 'Nothing'])('guesses nothing for %s', (words) => {
    expect(() => targetOf(snapshot, 'click', words)).toThrow(/it has "Name", "Save", "Save as", "Delete"/);
  });
});

describe('responses with a browser', () => {
  let server: PageServer;
  let inside: PageServer;
  let service: ReturnType<typeof createResponsesService>;
  const foldersBefore = foldersOfBrowsers();

  beforeAll(async () => {
    inside = await startPageServer({ '/': served('text/html', 'inside') });
    server = await startPageServer({
      '/start': served('text/html', 'Start'),
      '/away': status(302, { location: inside.url('/') }),
    });
    service = createResponsesService({
      browser: { command: process.execPath, args: [fixture('browser-mcp.mjs')] },
      allowPrivateHosts: [server.host],
    });
  });
  afterAll(async () => {
    await service.close?.();
    await Promise.all([server.close(), inside.close()]);
  });

  const run = async (task: string, fields: Parameters<typeof contextOf>[0] = {}) =>
    (await service.execute(task, contextOf(fields))) as BrowserResult;

  it('takes the steps that a task names and answers with the page and its pictures', async () => {
    const result = await run(
      `Open ${server.url('/start')}, type "tea" into "Search" and click "Go", then take a screenshot`,
    );
    expect(result).toMatchObject({
      kind: 'browser',
      url: server.url('/start'),
      title: 'Start',
      screenshots: [{ mimeType: 'image/png', data: 'aGk=' }],
    });
    expect(result.text).toContain('"target":"e5","text":"tea","submit":false');
    expect(result.text).toContain('clicked e6');
  });

  it('takes them from kwargs', async () => {
    const steps = [{ navigate: server.url('/start') }, { press: 'Tab' }];
    expect(await run('whatever', { kwargs: { steps } })).toMatchObject({ steps, url: server.url('/start') });
    await expect(run('x', { kwargs: { steps: [{ evaluate: '1' }] } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it.each([
    ['an address of this machine', () => inside.url('/')],
    ['a redirect to one', () => server.url('/away')],
    ['a link-local address', () => 'http://169.254.169.254/latest/meta-data'],
    ['a number', () => `http://2130706433:${inside.port}/`],
    ['a mapped address', () => `http://[::ffff:127.0.0.1]:${inside.port}/`],
  ])('refuses %s', async (_what, address) => {
    await expect(run(`Open ${address()} and take a screenshot`)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'refused-address' },
    });
    expect(inside.requests).toEqual([]);
  });

  it('refuses other schemes', async () => {
    await expect(run('Open file:///etc/passwd and take a screenshot')).rejects.toMatchObject({
      facts: { reason: 'scheme' },
    });
  });

  it('says which part it does not understand', async () => {
    await expect(run('Dance and click "Go"')).rejects.toMatchObject({
      code: 'NEEDS_INPUT',
      message: expect.stringContaining('not understood: Dance'),
    });
  });

  it('clicks nothing twice: a later attempt of a task that acted is refused', async () => {
    const signal = AbortSignal.timeout(400);
    await expect(run('Click "Go home"', { taskId: 'twice', signal })).rejects.toThrow();
    await expect(run('Click "Go home"', { taskId: 'twice', attempt: 2 })).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      retryable: false,
      facts: { reason: 'not-repeated' },
    });
    // The next task is served.
    expect(await run('Press tab and take a screenshot', { taskId: 'next' })).toMatchObject({
      kind: 'browser',
    });
  });

  it('leaves no folder behind', async () => {
    await service.close?.();
    expect(foldersOfBrowsers()).toEqual(foldersBefore);
  });
});

it('responses without a browser says how to get one', async () => {
  await expect(createResponsesService().execute('Click the login button', contextOf())).rejects.toMatchObject(
    {
      code: 'NO_BROWSER',
      message: expect.stringContaining('"browser"'),
    },
  );
});
