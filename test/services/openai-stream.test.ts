import { describe, expect, it } from 'vitest';
import { readEvents } from '../../src/services/openai-stream.js';

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1_000): Promise<string[]> {
  const events: string[] = [];
  for await (const event of readEvents(chunked(new TextEncoder().encode(text), size))) events.push(event);
  return events;
}

describe('readEvents()', () => {
  const stream =
    ': hello\r\nevent: message\r\ndata: {"a":"Zoë 🦊"}\r\n\r\n: ping\n\ndata:{"b":2}\n\rdata: [DONE]\n\n';

  it.each(Array.from({ length: 40 }, (_, index) => index + 1))(
    'reads the same events when the bytes are cut every %d',
    async (size) => {
      expect(await read(stream, size)).toEqual(['{"a":"Zoë 🦊"}', '{"b":2}']);
    },
  );

  it('stops at [DONE] and reads nothing behind it', async () => {
    expect(await read('data: 1\n\ndata: [DONE]\n\ndata: 2\n\n')).toEqual(['1']);
  });

  it('keeps a last line without an end when it is whole, and drops it when it was cut off', async () => {
    expect(await read('data: {"a":1}')).toEqual(['{"a":1}']);
    expect(await read('data: {"a":1}\n\ndata: {"b"')).toEqual(['{"a":1}']);
    expect(await read('data: 1\n\ndata: [DONE]')).toEqual(['1']);
  });

  it('tells the length of a line that does not end', async () => {
    const seen: number[] = [];
    const bytes = new TextEncoder().encode('data: xxxxxxxxxxxxxx');
    for await (const _ of readEvents(chunked(bytes, 5), (pending) => seen.push(pending)));
    expect(seen).toEqual([5, 10, 15, 20]);
  });
});
