import { createWebSocketReceiver } from '@statelyai/inspect';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, ExecutionConfig } from '../../src/index.js';
import type { StatelyMessage } from '../../src/inspect/stately/messages.js';
import { serveStately } from '../../src/inspect/stately/serve-stately.js';
import { StatelyBridge } from '../../src/inspect/stately/stately-bridge.js';
import { TOKEN } from './support.js';

async function openStately(over: Partial<Parameters<typeof serveStately>[1]> = {}) {
  const bridge = new StatelyBridge();
  const orchestrator = createOrchestrator({
    services: {
      echo: (task: string) => task,
      broken: () => {
        throw new Error('a secret of the service');
      },
    },
    config: ExecutionConfig.create({ fallbackService: null, maxRetries: 0 }),
    log: silentLog,
    inspect: bridge.inspect,
  });
  const server = await serveStately(bridge, { port: 0, token: TOKEN, log: silentLog, ...over });
  return {
    orchestrator,
    server,
    bridge,
    async [Symbol.asyncDispose]() {
      await server.close();
      await orchestrator.close({ drainSeconds: 0 });
    },
  };
}

/** As the bridge page of gaffr does it. */
function viewerOf(url: string, options: ConstructorParameters<typeof WebSocket>[2] = {}, token = TOKEN) {
  const carrier = `gaffr-token.${Buffer.from(token).toString('base64url')}`;
  const socket = new WebSocket(url.replace('http:', 'ws:'), ['gaffr', carrier], options);
  const messages: StatelyMessage[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  return {
    socket,
    messages,
    /** Resolves once a message fits. */
    async until(fits: (message: StatelyMessage) => boolean): Promise<StatelyMessage> {
      for (;;) {
        const found = messages.find(fits);
        if (found) return found;
        await new Promise((resolve) => socket.once('message', resolve));
      }
    },
  };
}

function failureOf(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => socket.once('error', ({ message }) => resolve(message)));
}

it('sends the three messages of the protocol', async () => {
  await using opened = await openStately();
  const viewer = viewerOf(opened.server.url);
  const supervisor = await viewer.until(({ type }) => type === '@xstate.actor');
  await opened.orchestrator.execute('hello', { service: 'echo' });

  expect(supervisor).toMatchObject({
    name: 'supervisor',
    _version: '0.7.2',
    id: null,
    snapshot: { status: 'active' },
  });
  const { definition, sessionId } = supervisor as { definition: string; sessionId: string };
  expect(JSON.parse(definition)).toMatchObject({
    id: 'supervisor',
    initial: 'running',
    states: { draining: {} },
  });
  const instance = await viewer.until((message) => 'name' in message && message.name === 'echo#0');
  expect(instance).toMatchObject({ parentId: sessionId, rootId: sessionId });
  const event = await viewer.until(
    (message) => message.type === '@xstate.event' && message.event.type === 'SUBMIT',
  );
  expect(event).toMatchObject({ sessionId, event: { tasks: '1' } });
  const isIdle = (message: StatelyMessage) =>
    message.type === '@xstate.snapshot' &&
    message.sessionId === instance.sessionId &&
    message.snapshot.value === 'idle';
  expect(await viewer.until(isIdle)).toMatchObject({
    rootId: sessionId,
    snapshot: { status: 'active', children: {} },
  });
  viewer.socket.terminate();
});

it("is understood by the receiver of @statelyai/inspect, which says the token as a user's password", async () => {
  await using opened = await openStately();
  const { host } = new URL(opened.server.url);
  const received: { type: string }[] = [];
  const receiver = createWebSocketReceiver({ server: `ws://viewer:${TOKEN}@${host}` });
  const types = new Promise<Set<string>>((resolve) => {
    receiver.subscribe((event) => {
      received.push(event);
      const seen = new Set(received.map(({ type }) => type));
      if (seen.size === 3) resolve(seen);
    });
  });
  const feed = setInterval(() => void opened.orchestrator.execute('hello', { service: 'echo' }), 20);

  expect([...(await types)].sort()).toEqual(['@xstate.actor', '@xstate.event', '@xstate.snapshot']);
  clearInterval(feed);
});

it('replays every actor as it is to a viewer who comes late', async () => {
  await using opened = await openStately();
  for (let index = 0; index < 300; index += 1)
    await opened.orchestrator.execute('hello', { service: 'echo' });
  const viewer = viewerOf(opened.server.url);
  await viewer.until((message) => 'name' in message && message.name === 'echo#0');

  expect(viewer.messages.map((message) => ('name' in message ? message.name : message.type))).toEqual([
    'supervisor',
    'echo#0',
  ]);
  viewer.socket.terminate();
});

it('lets no word of a task out, though viewers have the token', async () => {
  await using opened = await openStately();
  const viewer = viewerOf(opened.server.url);
  await viewer.until(({ type }) => type === '@xstate.actor');
  await opened.orchestrator.execute('a private matter', {
    service: 'echo',
    kwargs: { key: 'a private key' },
  });
  await opened.orchestrator.execute('a private matter', { service: 'broken' });
  opened.orchestrator.submit('a private matter').cancel('a private reason');
  opened.orchestrator.pause();
  await viewer.until((message) => message.type === '@xstate.event' && message.event.type === 'PAUSE');

  expect(JSON.stringify(viewer.messages)).not.toMatch(/private|secret/);
  viewer.socket.terminate();
});

it.each([
  ['a foreign Origin', { origin: 'https://evil.example' }, TOKEN, '403'],
  ['a rebound name', { headers: { host: 'evil.example' } }, TOKEN, '403'],
  ['a wrong token', {}, 'a-token-that-is-quite-wrong', '401'],
  ['no token', {}, '', '401'],
])('refuses %s', async (_what, options, token, status) => {
  await using opened = await openStately();

  expect(await failureOf(viewerOf(opened.server.url, options, token).socket)).toContain(status);
  expect(opened.bridge.isWatched).toBe(false);
});

it('takes nothing from viewers', async () => {
  await using opened = await openStately();
  const first = viewerOf(opened.server.url);
  const second = viewerOf(opened.server.url);
  await first.until(({ type }) => type === '@xstate.actor');
  await second.until(({ type }) => type === '@xstate.actor');
  first.socket.send(JSON.stringify({ type: '@xstate.actor', name: 'forged', sessionId: 'x:9' }));
  await opened.orchestrator.execute('hello', { service: 'echo' });
  await second.until((message) => message.type === '@xstate.snapshot');

  expect(JSON.stringify(second.messages)).not.toContain('forged');
  first.socket.terminate();
  second.socket.terminate();
});

it('puts a flood of events into bounded frames, and keeps nothing while nobody watches', () => {
  const bridge = new StatelyBridge();
  const orchestrator = createOrchestrator({
    services: { echo: () => 1 },
    log: silentLog,
    inspect: bridge.inspect,
  });
  const frames: number[] = [];
  const leave = bridge.watch({ send: (messages) => frames.push(messages.length) });
  for (let index = 0; index < 5000; index += 1) orchestrator.actor.send({ type: 'TICK' });
  bridge.flush();
  leave();
  for (let index = 0; index < 5000; index += 1) orchestrator.actor.send({ type: 'TICK' });
  bridge.flush();

  expect(frames).toHaveLength(2);
  expect(frames[1]).toBeLessThanOrEqual(201);
});

it('serves a page that may frame the inspector of the configured address and nothing else', async () => {
  await using opened = await openStately({ inspectorUrl: 'https://inspector.example/inspect' });
  const page = await fetch(`${opened.server.url}/`);

  expect(page.headers.get('content-security-policy')).toContain('frame-src https://inspector.example;');
  expect(await page.text()).toContain('stately.js');
  expect(await (await fetch(`${opened.server.url}/settings`)).json()).toEqual({
    inspectorUrl: 'https://inspector.example/inspect',
  });
});

it.each(['nonsense', 'javascript:alert(1)', 'file:///etc'])(
  'takes no address %s for the inspector',
  async (inspectorUrl) => {
    await expect(openStately({ inspectorUrl })).rejects.toThrow(/address of the inspector/);
  },
);
