import { request } from 'node:http';
import { expect, it } from 'vitest';
import { Redactor } from '../../src/core/redactor.js';
import { ExecutionConfig } from '../../src/index.js';
import type { Frame, Hello } from '../../src/inspect/dashboard/overview.js';
import { serveDashboard } from '../../src/inspect/dashboard/serve-dashboard.js';
import { drained, manualService } from '../support/simulation.js';
import { openDashboard, readFeed, TOKEN } from './support.js';

const config = (fields: Parameters<typeof ExecutionConfig.create>[0] = {}) =>
  ExecutionConfig.create({ fallbackService: null, maxRetries: 0, ...fields });

/** fetch() sets Host itself and lets nobody say another. */
function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

it('tells nothing of tasks without the token', async () => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  await opened.orchestrator.execute('a private matter');
  const { url } = opened.dashboard;

  for (const path of ['/api/now', '/api/feed', '/api/task?id=x', '/api/pause', '/api/none']) {
    const response = await fetch(url + path);
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain('private');
  }
  const wrong = await fetch(`${url}/api/now`, { headers: { authorization: 'Bearer wrong' } });
  expect(wrong.status).toBe(401);
  expect(await (await opened.ask('/api/now')).text()).toContain('a private matter');
});

it('refuses pages of other origins and rebound names, even with the token', async () => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  const { url } = opened.dashboard;
  const authorization = `Bearer ${TOKEN}`;
  const port = new URL(url).port;

  expect(await statusOf(`${url}/api/now`, { authorization })).toBe(200);
  expect(await statusOf(`${url}/api/now`, { authorization, origin: url })).toBe(200);
  expect(await statusOf(`${url}/api/now`, { authorization, origin: 'https://evil.example' })).toBe(403);
  expect(await statusOf(`${url}/api/now`, { authorization, origin: 'http://localhost:1' })).toBe(403);
  expect(await statusOf(`${url}/api/now`, { authorization, origin: 'null' })).toBe(403);
  expect(await statusOf(`${url}/api/now`, { authorization, host: `evil.example:${port}` })).toBe(403);
  expect(await statusOf(`${url}/`, { host: `evil.example:${port}` })).toBe(403);
  expect(await statusOf(`${url}/`, { host: `localhost:${port}` })).toBe(200);
});

it('sends the page with a policy that lets it load nothing from elsewhere', async () => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  const response = await fetch(`${opened.dashboard.url}/`);
  const policy = response.headers.get('content-security-policy') ?? '';
  const html = await response.text();

  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/https?:|unsafe|\*/);
  for (const [, path] of html.matchAll(/(?:src|href)="([^#"]+)"/g)) {
    expect(path).not.toContain(':');
    expect((await fetch(`${opened.dashboard.url}/${path}`)).status).toBe(200);
  }
});

it.each([
  '/../package.json',
  '/%2e%2e/package.json',
  '/page/../../package.json',
  '//etc/passwd',
  '/main.ts',
  '/x',
])('sends no file but those of the page: %s', async (path) => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  const status = await statusOf(`${opened.dashboard.url}${path}`, {});

  expect([400, 404]).toContain(status);
});

it('begins a feed with charts, services and tasks, then tells what changes', async () => {
  const service = manualService();
  await using opened = await openDashboard({ services: { service }, config: config() });
  const feed = readFeed(await opened.ask('/api/feed'));
  const hello = (await feed.next()) as Hello;

  expect(hello).toMatchObject({ type: 'hello', version: '9.9.9', supervisor: { state: 'running.active' } });
  expect(hello.charts.service.states.map(({ name }) => name)).toEqual(['idle', 'busy', 'retrying', 'failed']);
  expect(hello.services.map(({ name }) => name)).toEqual(['service']);

  const handle = opened.orchestrator.submit('look here');
  const frames: Frame[] = [];
  const isBusy = ({ tasks }: Frame) =>
    tasks.some(({ id, state }) => id === handle.taskId && state === 'running');
  while (!frames.some(isBusy)) frames.push((await feed.next()) as Frame);
  service.open()[0]?.resolve('seen');
  const isDone = ({ tasks }: Frame) =>
    tasks.some(({ id, state }) => id === handle.taskId && state === 'completed');
  while (!frames.some(isDone)) frames.push((await feed.next()) as Frame);
  const done = frames.flatMap(({ tasks }) => tasks).at(-1);
  expect(done).toMatchObject({ title: 'look here', service: 'service' });
  expect(done?.spans.map(([kind]) => kind)).toEqual(['q', 'q', 'a']);
  await feed.stop();
});

it('counts the edges that fire, with the fast lane on', async () => {
  const service = manualService();
  await using opened = await openDashboard({ services: { service }, config: config({ maxParallel: 2 }) });
  const warm = opened.orchestrator.execute('hires an instance');
  await drained();
  service.open()[0]?.resolve();
  await warm;
  // Whoever asks has the instance rest, which it would do a moment later, perhaps when the feed has begun.
  expect(opened.orchestrator.listServices()[0]?.state).toBe('idle');
  const feed = readFeed(await opened.ask('/api/feed'));
  const { charts } = (await feed.next()) as Hello;
  const edgeOf = (from: string, to: string) =>
    charts.service.edges.findIndex((edge) => edge.from === from && edge.to === to);

  const again = opened.orchestrator.execute('uses it');
  await drained();
  service.open()[0]?.resolve();
  await again;
  const fired: Record<number, number> = {};
  while (fired[edgeOf('busy', 'idle')] === undefined) {
    const { services } = (await feed.next()) as Frame;
    for (const [edge, count] of Object.entries(services[0]?.fired ?? {})) {
      fired[Number(edge)] = (fired[Number(edge)] ?? 0) + count;
    }
  }
  expect(fired).toEqual({ [edgeOf('idle', 'busy')]: 1, [edgeOf('busy', 'idle')]: 1 });
  await feed.stop();
});

it('tells everything about a task: text, candidates with reasons, attempts, error, result', async () => {
  await using opened = await openDashboard({
    services: {
      chat: { execute: () => ({ answer: 42 }), keywords: ['ask'] },
      broken: {
        execute: () => {
          throw new Error('no luck');
        },
        keywords: ['break'],
      },
    },
    config: config(),
  });
  const good = await opened.orchestrator.execute('ask the oracle');
  const bad = await opened.orchestrator.execute('break it');
  const detail = async (id: string) => (await opened.ask(`/api/task?id=${id}`)).json();

  expect(await detail(good.taskId)).toMatchObject({
    text: 'ask the oracle',
    state: 'completed',
    isForecast: false,
    route: {
      service: 'chat',
      outcome: 'matched',
      candidates: [{ service: 'chat', reasons: [expect.stringContaining('“ask”')] }],
    },
    end: { preview: '{ answer: 42 }', attempts: 1, error: null },
  });
  expect(await detail(bad.taskId)).toMatchObject({
    state: 'failed',
    end: { errorCode: 'SERVICE_FAILED', error: expect.stringContaining('no luck') },
  });
  expect((await opened.ask('/api/task?id=nobody')).status).toBe(404);
});

it('carries out orders: run, cancel, pause, resume, maxParallel, resetCircuit', async () => {
  const service = manualService();
  await using opened = await openDashboard({
    services: { service },
    config: config({ circuitFailures: 1, onUnavailable: 'wait' }),
  });
  const { orchestrator, order } = opened;
  const ordered = async (name: string, values?: object) => (await order(name, values)).json();

  await ordered('pause');
  expect(orchestrator.isPaused).toBe(true);
  const { taskId } = (await ordered('run', { task: 'do this' })) as { taskId: string };
  expect(await ordered('cancel', { taskId })).toEqual({ isCancelled: true });
  expect(await ordered('cancel', { taskId })).toEqual({ isCancelled: false });
  await ordered('resume');
  expect(orchestrator.isPaused).toBe(false);
  await ordered('max-parallel', { maxParallel: 2 });
  expect(orchestrator.stats().maxParallel).toBe(2);

  const broken = orchestrator.execute('breaks');
  await drained();
  service.open()[0]?.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  await broken;
  expect(orchestrator.listServices()[0]?.state).toBe('failed');
  await ordered('reset-circuit', { service: 'service' });
  expect(orchestrator.listServices()[0]?.state).toBe('idle');
});

it.each([
  ['max-parallel', { maxParallel: 0 }, /maxParallel/],
  ['max-parallel', { maxParallel: '9' }, /maxParallel/],
  ['cancel', { taskId: 7 }, /"taskId" must be a text/],
  ['reset-circuit', { service: 'nobody' }, /no service "nobody"/],
  ['run', { task: ' ' }, /"task" must be a text/],
  ['run', [], /"task" must be a text/],
  ['run', 'no object', /JSON object/],
])('answers 400 to a bad order %s %j and says why', async (name, values, why) => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  const response = await opened.order(name, values);

  expect(response.status).toBe(400);
  expect(((await response.json()) as { error: string }).error).toMatch(why);
});

it.each(['nothing', '__proto__', 'constructor', 'toString'])('knows no order %s', async (name) => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });

  expect((await opened.order(name)).status).toBe(404);
});

it('reads no order that is larger than an order can be', async () => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  const response = await opened.order('run', { task: 'x'.repeat(100_000) });

  expect(response.status).toBe(400);
  expect(opened.orchestrator.stats().submitted).toBe(0);
});

it('shows no secret, wherever a task says it', async () => {
  const redactor = new Redactor();
  redactor.add('sk-secret-0123456789');
  await using opened = await openDashboard(
    {
      services: {
        echo: (task: string) => ({ task }),
        broken: (task: string) => {
          throw new Error(task);
        },
      },
      config: config(),
    },
    { redactor },
  );
  const [good, bad] = await opened.orchestrator.executeParallel([
    { task: 'use sk-secret-0123456789', service: 'echo' },
    { task: 'use sk-secret-0123456789', service: 'broken' },
  ]);
  const paths = ['/api/now', `/api/task?id=${good?.taskId}`, `/api/task?id=${bad?.taskId}`];
  const texts = await Promise.all(paths.map(async (path) => (await opened.ask(path)).text()));

  expect(texts.join()).not.toContain('sk-secret');
  expect(texts.join()).toContain('[redacted]');
});

it('lets go of the orchestrator when it closes', async () => {
  await using opened = await openDashboard({ services: { echo: (task: string) => task } });
  const feed = readFeed(await opened.ask('/api/feed'));
  await feed.next();
  await opened.dashboard.close();

  await expect(fetch(`${opened.dashboard.url}/`)).rejects.toThrow();
  expect((await opened.orchestrator.execute('goes on')).success).toBe(true);
});

it('takes another port when the usual one is in use, if it may', async () => {
  await using first = await openDashboard({ services: { echo: (task: string) => task } });
  const { port } = new URL(first.dashboard.url);
  const settings = { token: TOKEN, version: '1', log: { debug() {}, info() {}, warn() {}, error() {} } };
  const second = await serveDashboard(first.orchestrator, { ...settings, port: Number(port), mayMove: true });

  expect(second.url).not.toBe(first.dashboard.url);
  await second.close();
  await expect(serveDashboard(first.orchestrator, { ...settings, port: Number(port) })).rejects.toThrow(
    'EADDRINUSE',
  );
});

it('takes no token that could be guessed', async () => {
  await expect(
    openDashboard({ services: { echo: (task: string) => task } }, { token: 'short' }),
  ).rejects.toThrow(/at least 16 characters/);
});

it('tells a page that services came and went', async () => {
  await using opened = await openDashboard({ services: { one: () => 1 } });
  const feed = readFeed(await opened.ask('/api/feed'));
  await feed.next();
  opened.orchestrator.registry.register('two', () => 2);
  let message = await feed.next();
  while (message.services.length < 2) message = await feed.next();

  expect(message.type).toBe('hello');
  expect((message as Hello).about).toHaveProperty('two');
  await feed.stop();
});
