import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrchestratorError } from '../../src/core/errors.js';
import { Redactor, SHORTEST_SECRET } from '../../src/core/redactor.js';

const SECRET = 'tok"en/with\nodd ünits+1234';

function redactorOf(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

describe('Redactor.text()', () => {
  it.each([
    ['as it is', SECRET],
    ['inside JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['inside JSON inside JSON', JSON.stringify(JSON.stringify(SECRET))],
    ['in an address', encodeURIComponent(SECRET)],
    ['in a form', new URLSearchParams({ s: SECRET }).toString()],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64 with something behind it', Buffer.from(`${SECRET}:x`).toString('base64')],
    ['in base64url', Buffer.from(SECRET).toString('base64url')],
  ])('takes a secret out %s', (_where, spelling) => {
    const clean = redactorOf(SECRET).text(`before ${spelling} after`);
    expect(clean).toContain('[redacted]');
    expect(clean).not.toContain(spelling);
    expect(clean).toMatch(/^before .* after$/);
  });

  const KEY = 'wJ"a\\l/X<ü𝒳>&=\'+`K7MDENG';
  it.each([
    ['PHP', String.raw`wJ\"a\\l\/X<\u00fc\ud835\udcb3>&='+\`K7MDENG`],
    ['PHP, with slashes as they are', String.raw`wJ\"a\\l/X<\u00fc\ud835\udcb3>&='+\`K7MDENG`],
    ['PHP, with letters as they are', String.raw`wJ\"a\\l\/X<ü𝒳>&='+\`K7MDENG`],
    ['Python', String.raw`wJ\"a\\l/X<\u00fc\ud835\udcb3>&='+\`K7MDENG`],
    ['Go', String.raw`wJ\"a\\l/X\u003cü𝒳\u003e\u0026='+\`K7MDENG`],
    ['Gson', String.raw`wJ\"a\\l/X\u003cü𝒳\u003e\u0026\u003d\u0027+\`K7MDENG`],
    ['.NET', String.raw`wJ\u0022a\\l/X\u003C\u00FC\uD835\uDCB3\u003E\u0026=\u0027\u002B\u0060K7MDENG`],
    [
      '.NET, in small letters',
      String.raw`wJ\u0022a\\l/X\u003c\u00fc\ud835\udcb3\u003e\u0026=\u0027\u002b\u0060K7MDENG`,
    ],
  ])(
    'takes a secret out as JSON of %s spells it, inside JSON as well, and cut off anywhere',
    (_writer, raw) => {
      const spelling = raw.replace('\\`', '`');
      expect(JSON.parse(`"${spelling}"`)).toBe(KEY);
      const redactor = redactorOf(KEY);
      expect(redactor.text(`{"k":"${spelling}"}`)).toBe('{"k":"[redacted]"}');
      expect(redactor.text(JSON.stringify({ out: `{"k":"${spelling}"}` }))).toBe(
        String.raw`{"out":"{\"k\":\"[redacted]\"}"}`,
      );
      for (let length = SHORTEST_SECRET; length < spelling.length; length += 1) {
        expect(redactor.text(`preview: ${spelling.slice(0, length)}…`)).toBe('preview: [redacted]');
      }
    },
  );

  it('takes the longer of two secrets out first, however it is spelled', () => {
    const redactor = redactorOf('topsecret1', 'topsecret1/more');
    expect(redactor.text(String.raw`topsecret1\/more topsecret1`)).toBe('[redacted] [redacted]');
  });

  it('takes the longer of two secrets out first', () => {
    expect(redactorOf('abcdefgh', 'abcdefghijkl').text('abcdefghijkl abcdefgh')).toBe(
      '[redacted] [redacted]',
    );
  });

  it('takes out the beginning of a secret that was cut off', () => {
    const redactor = redactorOf('sk-0123456789abcdef');
    expect(redactor.text('preview: sk-01234567')).toBe('preview: [redacted]');
    expect(redactor.text('preview: sk-01234567…')).toBe('preview: [redacted]');
  });

  it('does not search for values that are too short to mean anything', () => {
    const redactor = new Redactor();
    expect(redactor.add('12345')).toBe(false);
    expect(redactor.add('')).toBe(false);
    expect(redactor.text('12345')).toBe('12345');
  });

  it('leaves no secret in any text', () => {
    const secret = fc.string({ minLength: 8, maxLength: 40, unit: 'binary' });
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.array(fc.string()),
        (secrets, gaps) => {
          const redactor = redactorOf(...secrets);
          const text = gaps.map((gap, index) => gap + secrets[index % secrets.length]).join('');
          const clean = redactor.text(text).replaceAll('[redacted]', '');
          return secrets.every((each) => !clean.includes(each));
        },
      ),
    );
  });
});

describe('Redactor.value()', () => {
  it('goes through lists, objects, keys, maps, sets and errors', () => {
    const redactor = redactorOf('topsecret-1');
    const cause = new Error('cause topsecret-1');
    const error = new OrchestratorError('NO_MODEL', 'no topsecret-1', { at: ['topsecret-1'] }, { cause });
    const clean = redactor.value({
      'topsecret-1': 1,
      list: ['a topsecret-1'],
      map: new Map([['topsecret-1', 'topsecret-1']]),
      set: new Set(['topsecret-1']),
      error,
      count: 3,
      none: null,
    });
    expect(clean).toMatchObject({
      '[redacted]': 1,
      list: ['a [redacted]'],
      map: new Map([['[redacted]', '[redacted]']]),
      set: new Set(['[redacted]']),
      count: 3,
      none: null,
    });
    expect(clean.error).toBeInstanceOf(OrchestratorError);
    expect(clean.error).toMatchObject({
      code: 'NO_MODEL',
      message: 'no [redacted]',
      facts: { at: ['[redacted]'] },
    });
    expect((clean.error.cause as Error).message).toBe('cause [redacted]');
    expect(clean.error.stack).not.toContain('topsecret-1');
    expect(error.message).toBe('no topsecret-1');
  });

  it('returns what holds no secret as it is', () => {
    const value = { list: [1, { text: 'plain' }], bytes: new Uint8Array(3), at: new Date(0) };
    expect(redactorOf('topsecret-1').value(value)).toBe(value);
  });

  it('goes through objects of other classes, by what they become as JSON', () => {
    class Account {
      readonly #key = 'topsecret-1';
      toJSON() {
        return { key: this.#key };
      }
    }
    class Row {
      name = 'topsecret-1';
    }
    const redactor = redactorOf('topsecret-1');
    const value = { account: new Account(), row: new Row(), at: new URL('http://x/?k=topsecret-1') };
    const clean = redactor.value(value);
    expect(JSON.stringify(clean)).toBe(
      '{"account":{"key":"[redacted]"},"row":{"name":"[redacted]"},"at":"http://x/?k=[redacted]"}',
    );
    expect(clean.row).toBeInstanceOf(Row);
  });

  it('goes into boxed texts, and leaves the bytes beside a secret as they are', () => {
    const memory = new SharedArrayBuffer(2);
    const value = { text: new String('at topsecret-1'), memory };
    const clean = redactorOf('topsecret-1').value(value);
    expect(String(clean.text)).toBe('at [redacted]');
    expect(clean.memory).toBe(memory);
  });

  it('closes a circle inside the copy', () => {
    const value: { text: string; self?: unknown } = { text: 'topsecret-1' };
    value.self = value;
    const clean = redactorOf('topsecret-1').value(value);
    expect(clean.self).toBe(clean);
    expect(clean.text).toBe('[redacted]');
  });

  it('replaces what cannot be read, and what is too deep', () => {
    const redactor = redactorOf('topsecret-1');
    const throwing = {
      get text(): string {
        throw new Error('topsecret-1');
      },
    };
    expect(redactor.value({ throwing, n: 1 })).toEqual({ throwing: '[redacted]', n: 1 });
    let deep: unknown = 'topsecret-1';
    for (let level = 0; level < 5000; level += 1) deep = [deep];
    expect(JSON.stringify(redactor.value(deep))).not.toContain('topsecret-1');
  });

  it('keeps a key "__proto__" a key', () => {
    const value = JSON.parse('{"__proto__": {"text": "topsecret-1"}}');
    const clean = redactorOf('topsecret-1').value(value);
    expect(JSON.stringify(clean)).toBe('{"__proto__":{"text":"[redacted]"}}');
  });
});
