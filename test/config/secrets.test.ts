import { describe, expect, it } from 'vitest';
import { isSecretName } from '../../src/core/secret-names.js';
import { load } from './support.js';

describe('isSecretName()', () => {
  it.each([
    'apiKey',
    'API_KEY',
    'x-api-key',
    'token',
    'GITHUB_TOKEN',
    'clientSecret',
    'password',
    'Authorization',
    'cookie',
    'DATABASE_DSN',
    'privateKey',
    'DB_PASS',
  ])('%s is one', (name) => expect(isSecretName(name)).toBe(true));
  it.each(['keywords', 'maxTokens', 'idempotency-key', 'url', 'author', 'model', 'content-type'])(
    '%s is none',
    (name) => expect(isSecretName(name)).toBe(false),
  );
});

describe('secrets of a configuration', () => {
  const env = { V: 'v4lue-0f-v-9', HOME: '/home/somebody', MY_TOKEN: 'value-of-token' };
  const service = (fields: object) => ({ services: { a: fields } });

  it.each([
    ['a header', service({ kind: 'http', url: 'http://x', headers: { 'x-any': 'a ${env:V} b' } })],
    ['a key', service({ kind: 'openai', baseURL: 'http://x', model: 'm', apiKey: '${env:V}' })],
    ['a variable of a child', service({ kind: 'subprocess', command: 'x', env: { ANY: '${env:V}' } })],
    ['an argument', service({ kind: 'subprocess', command: 'x', args: ['--any=${env:V}'] })],
    ['the path of an address', service({ kind: 'http', url: 'http://x/${env:V}/y' })],
    ['the query of an address', service({ kind: 'http', url: 'http://x/?q=${env:V}' })],
    ['a system message', service({ kind: 'openai', baseURL: 'http://x', model: 'm', system: '${env:V}' })],
  ])('what a variable gives to %s is one', async (_place, content) => {
    const { secrets, literals } = await load(content, env);
    expect({ secrets, literals }).toEqual({ secrets: ['v4lue-0f-v-9'], literals: [] });
  });

  it.each([
    ['the host of an address', service({ kind: 'http', url: 'http://${env:V}/y' })],
    ['a folder', service({ kind: 'subprocess', command: 'x', cwd: '${env:V}' })],
    ['a model', service({ kind: 'openai', baseURL: 'http://x', model: '${env:V}' })],
    ['the home folder anywhere', service({ kind: 'subprocess', command: 'x', args: ['${env:HOME}'] })],
  ])('what a variable gives to %s is none', async (_place, content) => {
    expect((await load(content, env)).secrets).toEqual([]);
  });

  it('a variable with the name of a secret gives one wherever it stands', async () => {
    expect(
      (await load(service({ kind: 'subprocess', command: 'x', cwd: '${env:MY_TOKEN}' }), env)).secrets,
    ).toEqual(['value-of-token']);
  });

  it.each([
    [
      'a key',
      service({ kind: 'openai', baseURL: 'http://x', model: 'm', apiKey: 'sk-literal' }),
      ['sk-literal'],
    ],
    [
      'a header with a scheme',
      service({ kind: 'http', url: 'http://x', headers: { Authorization: 'Bearer abc-literal' } }),
      ['Bearer abc-literal', 'abc-literal'],
    ],
    [
      'a variable',
      service({ kind: 'subprocess', command: 'x', env: { GH_TOKEN: 'gh-literal' } }),
      ['gh-literal'],
    ],
    [
      'an argument',
      service({ kind: 'subprocess', command: 'x', args: ['--token', 'arg-literal', 'b'] }),
      ['arg-literal'],
    ],
    [
      'an argument with its flag',
      service({ kind: 'subprocess', command: 'x', args: ['--api-key=arg-literal'] }),
      ['arg-literal'],
    ],
    ['a query', service({ kind: 'http', url: 'http://x/?token=q-literal&page=2' }), ['q-literal']],
  ])('finds one that stands in the file itself, in %s', async (_place, content, expected) => {
    const { secrets, literals } = await load(content);
    expect(secrets).toEqual(expected);
    expect(literals).toHaveLength(1);
  });

  it('finds those of an address that a variable gives as a whole', async () => {
    const WHOLE = 'https://x.example/path/0123456789abcdef/mcp?any=q-of-it';
    const { secrets } = await load(service({ kind: 'http', url: '${env:WHOLE}' }), { WHOLE });
    expect(secrets).toEqual(['q-of-it', '0123456789abcdef']);
  });

  it.each(['us-east-1', 'production', 'main', 'node 20', 'v1.2.3', 'completed'])(
    '%s is none, where nothing speaks for it',
    async (V) => {
      const child = (name: string) =>
        service({ kind: 'subprocess', command: 'x', env: { [name]: '${env:V}' } });
      expect((await load(child('REGION'), { V })).secrets).toEqual([]);
      expect((await load(child('DB_PASS'), { V })).secrets).toEqual([V]);
    },
  );

  it('takes no notice of what a service is called', async () => {
    const content = {
      services: {
        model: { kind: 'openai', baseURL: 'http://x', model: 'm', apiKey: '${env:V}' },
        tokens: { kind: 'module', module: './${env:HOME}.mjs' },
      },
    };
    expect((await load(content, env)).secrets).toEqual(['v4lue-0f-v-9']);
  });

  it('finds none in the words for routing, nor in the name of a service', async () => {
    const content = {
      services: {
        tokens: {
          kind: 'module',
          module: './x.mjs',
          keywords: ['token', 'api key'],
          examples: ['make a key'],
        },
      },
    };
    expect((await load(content)).secrets).toEqual([]);
  });
});
