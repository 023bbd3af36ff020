import { parseJSONRPCMessage } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainToolCall, readMessage, refuseUnreadable } from '../../src/mcp/messages.js';

const call = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'execute', arguments: { task: 'hi' }, _meta: { progressToken: 'p' } },
};
const withParams = (params: unknown) => ({ ...call, params });

describe('isPlainToolCall()', () => {
  it('accepts a call with or without arguments and a progress token', () => {
    expect(isPlainToolCall(call)).toBe(true);
    expect(isPlainToolCall(withParams({ name: 'execute' }))).toBe(true);
    expect(isPlainToolCall({ ...call, id: 'a' })).toBe(true);
    expect(isPlainToolCall(withParams({ name: 'execute', _meta: {} }))).toBe(true);
  });

  it.each([
    ['another method', { ...call, method: 'tools/list' }],
    ['another version of JSON-RPC', { ...call, jsonrpc: '1.0' }],
    ['no id', { ...call, id: undefined }],
    ['an id of null', { ...call, id: null }],
    ['an id with a fraction', { ...call, id: 1.5 }],
    ['a member beside it', { ...call, extra: 1 }],
    [
      'an envelope',
      withParams({ name: 'a', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }),
    ],
    ['a request for a task', withParams({ name: 'a', task: {} })],
    ['no name', withParams({ arguments: {} })],
    ['a list of arguments', withParams({ name: 'a', arguments: [] })],
    ['arguments of null', withParams({ name: 'a', arguments: null })],
    ['a token of another type', withParams({ name: 'a', _meta: { progressToken: {} } })],
    ['no params', { jsonrpc: '2.0', id: 1, method: 'tools/call' }],
    ['a batch', [call]],
    ['null', null],
  ])('leaves %s to the SDK', (_, value) => {
    expect(isPlainToolCall(value)).toBe(false);
  });

  it('accepts nothing that the schema of the SDK refuses, and changes nothing', () => {
    const id = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.constant(null));
    const meta = fc.record({ progressToken: fc.oneof(id, fc.object()) }, { requiredKeys: [] });
    const params = fc.record(
      {
        name: fc.oneof(fc.string(), fc.integer()),
        arguments: fc.oneof(fc.object(), id),
        _meta: fc.oneof(meta, id),
      },
      { requiredKeys: ['name'] },
    );
    const message = fc.record({ jsonrpc: fc.constant('2.0'), id, method: fc.constant('tools/call'), params });
    fc.assert(
      fc.property(message, (made) => {
        const value: unknown = JSON.parse(JSON.stringify(made));
        if (isPlainToolCall(value)) expect(value).toEqual(parseJSONRPCMessage(value));
      }),
    );
  });
});

describe('readMessage()', () => {
  it('takes a message and throws for what is none', () => {
    expect(readMessage(call)).toEqual(call);
    expect(() => readMessage([])).toThrow();
    expect(() => readMessage({ ...call, id: null })).toThrow();
  });
});

describe('refuseUnreadable()', () => {
  const bad = { ...call, params: { name: 'execute', _meta: 'not an object' } };

  it('refuses what was meant as a request, under its id', () => {
    expect(() => readMessage(bad)).toThrow();
    expect(refuseUnreadable(bad)).toMatchObject([{ jsonrpc: '2.0', id: 1, error: { code: -32600 } }]);
  });

  it('refuses each request of a batch', () => {
    const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
    expect(refuseUnreadable([call, notification, 1, { ...call, id: 'b' }])).toMatchObject([
      { id: 1, error: { code: -32600 } },
      { id: 'b', error: { code: -32600 } },
    ]);
  });

  it.each([
    ['a notification', { ...bad, id: undefined }],
    ['an answer', { jsonrpc: '2.0', id: 1, result: 'no object' }],
    ['an id that is none', { ...bad, id: { a: 1 } }],
    ['an empty batch', []],
    ['null', null],
    ['a text', 'tools/call'],
  ])('says nothing to %s', (_what, value) => {
    expect(refuseUnreadable(value)).toEqual([]);
  });
});
