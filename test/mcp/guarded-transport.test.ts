import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { GuardedTransport } from '../../src/mcp/guarded-transport.js';
import { MemoryTransport } from '../support/memory-transport.js';

async function guarded() {
  const inner = new MemoryTransport();
  const gone: (Error | undefined)[] = [];
  const received: JSONRPCMessage[] = [];
  const transport = new GuardedTransport(inner, (cause) => gone.push(cause));
  transport.onmessage = (message) => received.push(message);
  await transport.start();
  return { inner, transport, gone, received };
}

const request = (id: string | number) => ({ jsonrpc: '2.0' as const, id, method: 'tools/call', params: {} });
const cancel = (requestId: unknown) =>
  ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }) as JSONRPCMessage;

describe('GuardedTransport', () => {
  it('fault C5 refuses an id in flight and leaves the first request alone', async () => {
    const { inner, received } = await guarded();
    inner.onmessage?.(request(1));
    inner.onmessage?.(request(1));
    inner.onmessage?.(request('1'));
    expect(received).toHaveLength(2);
    expect(inner.sent).toEqual([
      { jsonrpc: '2.0', id: 1, error: { code: -32600, message: expect.stringContaining('in flight') } },
    ]);
  });

  it('frees an id by its answer and by its cancel', async () => {
    const { inner, transport, received } = await guarded();
    inner.onmessage?.(request(1));
    await transport.send({ jsonrpc: '2.0', id: 1, result: {} });
    inner.onmessage?.(request(1));
    inner.onmessage?.(cancel(1));
    inner.onmessage?.(request(1));
    expect(received).toHaveLength(4);
    expect(inner.sent).toHaveLength(1);
  });

  it('fault C6 passes the cancel of an unknown id on without harm', async () => {
    const { inner, received } = await guarded();
    for (const id of [99, 'x', undefined, { a: 1 }]) inner.onmessage?.(cancel(id));
    expect(received).toHaveLength(4);
  });

  it('tells why the connection ended only when the error closed it', async () => {
    const first = await guarded();
    first.inner.onerror?.(new Error('too long'));
    await first.inner.close();
    expect(first.gone).toEqual([new Error('too long')]);

    const second = await guarded();
    second.inner.onerror?.(new Error('malformed line'));
    await Promise.resolve();
    await second.inner.close();
    expect(second.gone).toEqual([undefined]);
  });

  it('answered() waits for the answers in flight, and ends with the connection', async () => {
    const { inner, transport } = await guarded();
    await transport.answered();
    inner.onmessage?.(request(1));
    const answered = transport.answered();
    await transport.send({ jsonrpc: '2.0', id: 1, result: {} });
    await answered;
    inner.onmessage?.(request(2));
    const gone = transport.answered();
    await inner.close();
    await gone;
  });
});
