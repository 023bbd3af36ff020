import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyPlain, NOT_PLAIN, writeJson } from '../../src/core/safe-json.js';

const MIB = 1024 * 1024;

function plain(value: unknown): unknown {
  const outcome = writeJson(value, MIB);
  if (outcome.kind !== 'json') throw new Error(`expected JSON, got ${JSON.stringify(outcome)}`);
  return JSON.parse(outcome.json);
}

function bytesOf(...bytes: readonly number[]): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function circular(): object {
  const node: Record<string, unknown> = { name: 'a' };
  node.self = node;
  return node;
}

describe('writeJson()', () => {
  it.each([
    ['BigInt', 12345678901234567890n, '12345678901234567890'],
    ['undefined', undefined, null],
    ['Date', new Date('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000Z'],
    ['invalid Date', new Date(Number.NaN), null],
    ['Set', new Set([1, 2n]), [1, '2']],
    ['Map with text keys', new Map([['a', 1]]), { a: 1 }],
    ['Map with other keys', new Map([[1, 'a']]), [[1, 'a']]],
    ['bytes', Buffer.from('hi'), 'aGk='],
    ['a part of bytes', new DataView(bytesOf(1, 104, 105), 1), 'aGk='],
    ['an ArrayBuffer', { file: bytesOf(104, 105) }, { file: 'aGk=' }],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'AAA='],
    [
      'boxed primitives',
      [new Number(5), new String('a'), new Boolean(false), Object(2n)],
      [5, 'a', false, '2'],
    ],
    ['Error', new TypeError('no'), { name: 'TypeError', message: 'no' }],
    ['cycle', circular(), { name: 'a', self: '[Circular]' }],
    ['toJSON', { toJSON: () => ({ a: 1n }) }, { a: '1' }],
    ['toJSON that returns its object', Object.assign(circularFree(), { n: 1 }), { n: 1 }],
    ['undefined member', { a: undefined, b: [undefined] }, { b: [null] }],
    ['NaN', Number.NaN, null],
    ['object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('fault S7 writes %s', (_name, value, expected) => {
    expect(plain(value)).toEqual(expected);
  });

  it('writes the name and message of an error once, where they are members of its own as well', () => {
    const error = Object.assign(new Error('no'), { code: 'TIMEOUT' });
    for (const [key, value] of Object.entries({ name: 'Late', message: 'late' })) {
      Object.defineProperty(error, key, { value, enumerable: true });
    }
    const json = '{"name":"Late","message":"late","code":"TIMEOUT"}';
    expect(writeJson(error, MIB)).toEqual({ kind: 'json', json, sizeBytes: json.length });
  });

  it('refuses an ArrayBuffer that is larger than the limit before it is written', () => {
    expect(writeJson(new ArrayBuffer(100), 99)).toEqual({ kind: 'too-large', preview: '' });
  });

  it('fault S7 writes a shared object twice: it is no cycle', () => {
    const shared = { n: 1 };
    expect(plain([shared, shared])).toEqual([{ n: 1 }, { n: 1 }]);
  });

  it.each([
    ['a function', { deep: [() => 1] }, '$.deep[0] is a function'],
    ['a symbol', Symbol('s'), '$ is a symbol'],
    ['a boxed symbol', [Object(Symbol('s'))], '$[0] is a symbol'],
    [
      'a toJSON that throws',
      {
        a: {
          toJSON() {
            throw new Error('secret');
          },
        },
      },
      '$.a has a toJSON that throws',
    ],
  ])('fault S7 refuses %s and says where it is', (_name, value, why) => {
    expect(writeJson(value, MIB)).toEqual({ kind: 'unserialisable', why });
  });

  it('fault S7 refuses a getter that throws and a value nested too deep', () => {
    const trap = Object.defineProperty({}, 'x', {
      enumerable: true,
      get() {
        throw new Error('secret');
      },
    });
    let deep: unknown = [];
    for (let level = 0; level < 200_000; level++) deep = [deep];
    expect(writeJson(trap, MIB)).toMatchObject({ kind: 'unserialisable' });
    expect(JSON.stringify(writeJson(trap, MIB))).not.toContain('secret');
    expect(writeJson(deep, MIB)).toMatchObject({ kind: 'unserialisable' });
  });

  it('keeps a member called __proto__ as data', () => {
    const parsed = plain(JSON.parse('{"__proto__":{"polluted":true}}')) as object;
    expect(Object.keys(parsed)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('fault S6 stops at the limit and gives the beginning as a preview', () => {
    const outcome = writeJson({ text: 'x'.repeat(5000), more: 'y'.repeat(5000) }, 8000);
    expect(outcome).toMatchObject({ kind: 'too-large' });
    if (outcome.kind === 'too-large') {
      expect(outcome.preview.startsWith('{"text":"xxx')).toBe(true);
      expect(outcome.preview).toHaveLength(1024);
    }
  });

  it('fault S6 does not expand what shares itself a million times', () => {
    let bomb: unknown = 'boom';
    for (let level = 0; level < 30; level++) bomb = [bomb, bomb];
    expect(writeJson(bomb, 10_000)).toMatchObject({ kind: 'too-large' });
  });

  it('fault S6 does not copy a text far beyond the limit', () => {
    expect(writeJson('é'.repeat(10 * MIB), MIB)).toMatchObject({
      kind: 'too-large',
      preview: 'é'.repeat(1024),
    });
    expect(writeJson(Buffer.alloc(10 * MIB), MIB)).toMatchObject({ kind: 'too-large' });
  });

  it('counts bytes of UTF-8', () => {
    expect(writeJson('é', 4)).toEqual({ kind: 'json', json: '"é"', sizeBytes: 4 });
    expect(writeJson('é', 3)).toMatchObject({ kind: 'too-large' });
  });

  it('writes what JSON.stringify writes for plain data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(writeJson(value, MIB)).toMatchObject({ kind: 'json', json: JSON.stringify(value) });
      }),
    );
  });

  it('always answers, whatever it is given', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const outcome = writeJson(value, MIB);
        if (outcome.kind === 'json') JSON.parse(outcome.json);
      }),
    );
  });
});

function circularFree(): object {
  return Object.defineProperty({}, 'toJSON', {
    value(this: object) {
      return this;
    },
  });
}

describe('copyPlain()', () => {
  it('promise C16 copies only what the writer would write alike', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }),
        (value) => {
          const copy = copyPlain(value, MIB);
          if (copy !== NOT_PLAIN) expect(copy).toEqual(plain(value));
        },
      ),
    );
  });

  it('writes negative zero as JSON does', () => {
    expect(Object.is(copyPlain(-0, MIB), 0)).toBe(true);
  });

  it('copies JSON, and says of nothing that fits that it does not', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        expect(JSON.stringify(copyPlain(value, MIB))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('leaves nothing of the value in the copy', () => {
    const value = { list: [1], inner: { a: 1 } };
    const copy = copyPlain(value, MIB) as typeof value;
    value.list.push(2);
    value.inner.a = 2;
    expect(copy).toEqual({ list: [1], inner: { a: 1 } });
  });

  it.each([
    ['a cycle', circular()],
    ['a bigint', 1n],
    ['a number that JSON lacks', Number.NaN],
    ['a function', { run: () => 1 }],
    ['a toJSON', { toJSON: () => 1 }],
    ['a toJSON of an array', Object.assign([1], { toJSON: () => 1 })],
    ['an object of a class', new Map()],
    [
      'a getter that throws',
      Object.defineProperty({}, 'a', { enumerable: true, get: () => JSON.parse('{') }),
    ],
    ['a key that would change the copy', JSON.parse('{"__proto__": {"a": 1}}')],
    ['a text that might be too long', 'x'.repeat(MIB / 4)],
    ['an endless array', Object.assign([], { length: 2 ** 32 - 1 })],
  ])('leaves %s to the writer', (_, value) => {
    expect(copyPlain(value, MIB)).toBe(NOT_PLAIN);
  });
});
