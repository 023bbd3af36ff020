import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseFlags } from '../../src/cli/flags.js';
import { runProgram } from '../../src/cli/program.js';
import { prepareWindows, WINDOW_FLAGS } from '../../src/cli/windows.js';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator } from '../../src/index.js';
import { openDashboard, TOKEN } from '../inspect/support.js';
import { fakeTerminal } from '../support/fake-terminal.js';

let folder = '';
let tokenFile = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gaffr-windows-'));
  tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${TOKEN}-and-some-more-letters\n`, { mode: 0o600 });
});

afterAll(() => rm(folder, { recursive: true }));

const flags = { ...WINDOW_FLAGS, 'token-file': { type: 'string', help: '' } } as const;
const context = (terminal = fakeTerminal()) => ({ terminal, log: silentLog, version: '1.0.0' });
const services = { echo: (task: string) => task };

it('opens no window and no inspection without a flag', async () => {
  const windows = await prepareWindows(parseFlags([], flags));
  const orchestrator = createOrchestrator({ services, log: silentLog });
  const terminal = fakeTerminal();
  await (await windows.open(orchestrator, context(terminal))).close();

  expect(windows.inspect).toBeUndefined();
  expect(terminal.told).toEqual([]);
});

it('opens both windows, and says the token to people only', async () => {
  const args = parseFlags(['--dashboard', '0', '--inspect', '0', '--token-file', tokenFile], flags);
  for (const isLive of [true, false]) {
    const windows = await prepareWindows(args);
    const orchestrator = createOrchestrator({ services, log: silentLog, inspect: windows.inspect });
    const terminal = fakeTerminal({ isLive });
    const opened = await windows.open(orchestrator, context(terminal));

    expect(terminal.told).toHaveLength(2);
    for (const line of terminal.told) {
      expect(line).toMatch(/^(dashboard|Stately inspector): http:\/\/127\.0\.0\.1:\d+/);
      expect(line.includes(TOKEN)).toBe(isLive);
      expect(line.includes(tokenFile)).toBe(!isLive);
    }
    await opened.close();
    await orchestrator.close();
  }
});

it.each([
  [['--dashboard', '70000'], /--dashboard must be a whole number/],
  [['--inspect', 'x'], /--inspect must be a whole number/],
  [['--inspect-url', 'https://example.com'], /only with --inspect/],
  [['--inspect', '0', '--inspect-url', 'javascript:1'], /whole address/],
])('refuses %j', async (argv, why) => {
  await expect((async () => prepareWindows(parseFlags(argv, flags)))()).rejects.toThrow(why);
});

it('gaffr top --json prints what the dashboard says', async () => {
  const token = `${TOKEN}-and-some-more-letters`;
  await using opened = await openDashboard({ services }, { token });
  await opened.orchestrator.execute('hello');
  const terminal = fakeTerminal();
  const argv = ['top', opened.dashboard.url, '--token-file', tokenFile, '--json'];

  expect(await runProgram(argv, context(terminal))).toBe(0);
  expect(JSON.parse(terminal.printed[0] ?? '')).toMatchObject({
    supervisor: 'running.active',
    stats: { completed: 1 },
    services: [{ name: 'echo', completed: 1 }],
  });
});

it.each([true, false])('gaffr top follows until the dashboard ends (on a terminal: %s)', async (isLive) => {
  const token = `${TOKEN}-and-some-more-letters`;
  await using opened = await openDashboard({ services }, { token });
  const terminal = fakeTerminal({ isLive });
  const argv = ['top', opened.dashboard.url, '--token-file', tokenFile, '--interval', '0.1'];
  const ended = runProgram(argv, context(terminal));
  const shown = () => (isLive ? terminal.lines : terminal.printed).join('\n');
  while (!shown().includes('running 0/5')) await new Promise((resolve) => setTimeout(resolve, 10));
  await opened.dashboard.close();

  expect(await ended).toBe(1);
  expect(shown().includes('echo')).toBe(isLive);
  expect(terminal.told.join()).toContain('has ended');
});

it.each([
  ['https://127.0.0.1:1', 2, 'like http://127.0.0.1:8643'],
  ['http://192.168.1.4:8643', 3, 'ssh -L'],
  ['http://127.0.0.1:1', 3, 'gaffr serve --dashboard'],
])('gaffr top %s ends with %i and says what to do', async (url, code, text) => {
  const terminal = fakeTerminal();

  expect(await runProgram(['top', url, '--token-file', tokenFile], context(terminal))).toBe(code);
  expect(terminal.told.join()).toContain(text);
});

it.each([
  ['a page', 200, 'text/html', '<!doctype html>'],
  ['other JSON', 200, 'application/json', '{"ok":true}'],
  ['half of it', 200, 'application/json', '{"type":'],
  ['that it has no such page', 404, 'text/plain', 'nothing here'],
])(
  'gaffr top says that no dashboard answers where another program says %s',
  async (_, status, type, text) => {
    const other = createServer((_, response) => {
      response.writeHead(status, { 'content-type': type }).end(text);
    });
    await new Promise<void>((ready) => void other.listen(0, '127.0.0.1', ready));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    for (const flags of [['--json'], []]) {
      const terminal = fakeTerminal();
      expect(await runProgram(['top', url, '--token-file', tokenFile, ...flags], context(terminal))).toBe(3);
      expect(terminal.told.join()).toContain(`No dashboard answers at ${url} (another program does)`);
    }
    other.close();
  },
);

it('gaffr top makes no token file', async () => {
  const typo = join(folder, 'tokne');
  const terminal = fakeTerminal();
  const argv = ['top', 'http://127.0.0.1:1', '--token-file', typo];
  expect(await runProgram(argv, context(terminal))).toBe(3);
  expect(terminal.told.join()).toContain(`There is no token file ${typo}`);
  expect(existsSync(typo)).toBe(false);
});

it('gaffr top says when the token is another one', async () => {
  await using opened = await openDashboard({ services });
  const terminal = fakeTerminal();

  expect(await runProgram(['top', opened.dashboard.url, '--token-file', tokenFile], context(terminal))).toBe(
    3,
  );
  expect(terminal.told.join()).toContain('another token');
});

it('gaffr dashboard says at Ctrl-C that it waits for what runs', async () => {
  let release: () => void = () => {};
  const model = createServer((request, response) => {
    if (request.url?.endsWith('/chat/completions')) release = () => void response.writeHead(400).end('{}');
    else response.end(JSON.stringify({ data: [{ id: 'm' }] }));
  });
  await new Promise<void>((ready) => void model.listen(0, '127.0.0.1', ready));
  const baseURL = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  const config = join(folder, 'gaffr.config.json');
  const content = { taskConfig: { maxRetries: 0 }, builtins: { chat: { baseURL, model: 'm' } } };
  await writeFile(config, JSON.stringify(content), { mode: 0o600 });
  const terminal = fakeTerminal();
  const argv = ['dashboard', 'hello', '--port', '0', '--config', config, '--token-file', tokenFile];
  const ended = runProgram(argv, context(terminal));
  const isAsked = release;
  await expect.poll(() => release !== isAsked, { interval: 5, timeout: 10_000 }).toBe(true);
  process.emit('SIGINT');
  await expect
    .poll(() => terminal.told.join('\n'), { interval: 5 })
    .toContain('press Ctrl-C again to stop at once');
  release();
  expect(await ended).toBe(0);
  model.close();
});
