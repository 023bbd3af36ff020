import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CappedStdioTransport, MAX_BACKLOG_BYTES } from '../../src/mcp/capped-stdio-transport.js';

/** A reader that takes each chunk only when the test says so. */
function slowReader() {
  const waiting: (() => void)[] = [];
  const output = new Writable({
    decodeStrings: false,
    write: (_chunk, _encoding, done) => void waiting.push(done),
  });
  output.setMaxListeners(0);
  return { output, take: () => waiting.shift()?.() };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const megabyte = { jsonrpc: '2.0' as const, id: 1, result: { text: 'x'.repeat(1024 * 1024) } };

async function connect() {
  const input = new PassThrough();
  const reader = slowReader();
  const transport = new CappedStdioTransport(input, reader.output);
  const faults: Error[] = [];
  let isClosed = false;
  transport.onerror = (error) => faults.push(error);
  transport.onclose = () => {
    isClosed = true;
  };
  await transport.start();
  const send = (count: number) => {
    for (let sent = 0; sent < count; sent++) transport.send(megabyte).catch(() => {});
  };
  return { input, reader, faults, send, isClosed: () => isClosed };
}

describe('CappedStdioTransport', () => {
  it('fault C8 takes no more input while a slow reader is 16 MiB behind, and goes on once it has caught up', async () => {
    const { input, reader, send, isClosed } = await connect();
    send(15);
    expect(input.isPaused()).toBe(false);
    send(3);
    expect(input.isPaused()).toBe(true);
    for (let taken = 0; taken < 20; taken++) {
      reader.take();
      await settle();
    }
    expect(input.isPaused()).toBe(false);
    expect(isClosed()).toBe(false);
  });

  it('fault C8 disconnects a reader that is twice as far behind', async () => {
    const { reader, faults, send, isClosed } = await connect();
    send(40);
    expect(isClosed()).toBe(true);
    expect(faults[0]?.message).toContain('does not read');
    expect(reader.output.writableLength).toBeLessThan(2.2 * MAX_BACKLOG_BYTES);
  });
});
