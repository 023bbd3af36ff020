import { describe, expect, it } from 'vitest';
import { inputOf } from './inputs.js';
import { Expectations, Violation } from './judge.js';

function expectationsOf(...messages: object[]): Expectations {
  const expectations = new Expectations();
  for (const message of messages) expectations.sent(Buffer.from(JSON.stringify(message)));
  return expectations;
}

const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
const pong = (id: unknown) => ({ jsonrpc: '2.0', id, result: {} });

describe('Expectations', () => {
  it.each([
    ['a second answer', [ping(1)], [pong(1), pong(1)]],
    ['an answer that nobody asked for', [ping(1)], [pong(2)]],
    ['an answer to a notification', [{ jsonrpc: '2.0', method: 'ping' }], [pong(1)]],
    ['neither result nor error', [ping(1)], [{ jsonrpc: '2.0', id: 1 }]],
    ['what is no message', [], ['hello']],
    [
      'a stack',
      [ping(1)],
      [{ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x\n    at run (a.js:1)' } }],
    ],
  ])('object to %s', (_what, sent, received) => {
    const expectations = expectationsOf(...(sent as object[]));
    const hear = () => {
      for (const message of received) expectations.received(message);
    };
    expect(hear).toThrow(Violation);
  });

  it('allow an answer for each request of an id, and say whose is missing', () => {
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } };
    const expectations = expectationsOf(ping(1), ping(1), [ping('b')], ping('c'), cancel, ping(null));
    expect(expectations.missing()).toEqual([1, 'b']);
    for (const id of [1, 1, 'b']) expectations.received(pong(id));
    expect(expectations.missing()).toEqual([]);
    expect(expectations.answers).toBe(3);
  });
});

it('inputOf() makes the same bytes of the same seed, and no line feed within', () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const { bytes } = inputOf(seed);
    expect(bytes.equals(inputOf(seed).bytes)).toBe(true);
    expect(bytes.includes(10)).toBe(false);
  }
});
