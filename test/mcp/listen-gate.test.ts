import { type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { ChangeListener } from '../../src/core/orchestrator-port.js';
import { ListenGate } from '../../src/mcp/resources/listen-gate.js';
import { Updates } from '../../src/mcp/resources/updates.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';
import { MemoryTransport } from '../support/memory-transport.js';

/** A gate between a wire and an SDK that a test plays. */
async function setUp() {
  const listeners = new Set<ChangeListener>();
  const watch = (listener: ChangeListener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const sources = { orchestrator: fakeOrchestrator({ watch }) };
  const inner = new MemoryTransport();
  const gate = new ListenGate(inner, new Updates({ ...sources, clock: new SimulatedClock() }), sources);
  const passedOn: JSONRPCMessage[] = [];
  gate.onmessage = (message) => passedOn.push(message);
  await gate.start();
  const notifications = { resourceSubscriptions: ['gaffr://stats'] };
  return {
    inner,
    gate,
    passedOn,
    watchers: () => listeners.size,
    change: () => listeners.forEach((tell) => void tell(null)),
    listen: (uris = notifications.resourceSubscriptions) =>
      inner.onmessage?.({
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: { notifications: { resourceSubscriptions: uris } },
      }),
    acknowledge: () =>
      gate.send({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications, _meta: { [SUBSCRIPTION_ID_META_KEY]: 1 } },
      }),
    cancel: () =>
      inner.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }),
  };
}

describe('ListenGate', () => {
  it('sends an update, marked as of its stream, after the acknowledgement', async () => {
    const { inner, listen, acknowledge, change } = await setUp();
    listen();
    change();
    expect(inner.sent).toEqual([]);
    await acknowledge();
    change();
    expect(inner.sent[1]).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'gaffr://stats', _meta: { [SUBSCRIPTION_ID_META_KEY]: 1 } },
    });
  });

  it.each<[string, (parts: Awaited<ReturnType<typeof setUp>>) => unknown]>([
    ['its cancel', ({ cancel }) => cancel()],
    ['its answer', ({ gate }) => gate.send({ jsonrpc: '2.0', id: 1, result: {} })],
    ['the connection', ({ gate }) => gate.close()],
  ])('ends the subscriptions of a stream with %s', async (_what, end) => {
    const parts = await setUp();
    parts.listen();
    await parts.acknowledge();
    expect(parts.watchers()).toBe(1);
    await end(parts);
    expect(parts.watchers()).toBe(0);
  });

  it('begins nothing when the cancel comes before the acknowledgement', async () => {
    const { listen, cancel, acknowledge, watchers, passedOn } = await setUp();
    listen();
    cancel();
    await acknowledge();
    expect(watchers()).toBe(0);
    expect(passedOn).toHaveLength(2);
  });

  it.each([
    [Array(65).fill('gaffr://stats'), 'names 65'],
    [['x'.repeat(3000)], 'has 3000 characters'],
    [['gaffr://runs/1'], 'There is no run'],
  ])('answers for the SDK when it asks for too much', async (uris, message) => {
    const { inner, listen, passedOn } = await setUp();
    listen(uris);
    expect(passedOn).toEqual([]);
    expect(inner.sent).toMatchObject([
      { id: 1, error: { code: -32602, message: expect.stringContaining(message) } },
    ]);
  });
});
