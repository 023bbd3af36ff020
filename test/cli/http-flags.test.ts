import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/cli/flags.js';
import { HTTP_FLAGS, httpSettingsOf } from '../../src/cli/http-flags.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gaffr-flags-'));
  file = join(folder, 'token');
  writeFileSync(file, 'x'.repeat(40), { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settingsOf = (...argv: string[]) => httpSettingsOf(parseFlags(argv, HTTP_FLAGS));

describe('httpSettingsOf()', () => {
  it.each([
    [['--http'], '127.0.0.1', 8642],
    [['--http', '9000'], '127.0.0.1', 9000],
    [['--http', ':9000'], '127.0.0.1', 9000],
    [['--http=0.0.0.0:80'], '0.0.0.0', 80],
    [['--http', '[::1]:9000'], '::1', 9000],
    [['--http', 'localhost:0'], 'localhost', 0],
  ])('reads the address of %j', async (argv, host, port) => {
    expect(await settingsOf(...argv, '--token-file', file)).toMatchObject({
      options: { host, port, auth: { token: 'x'.repeat(40) } },
      tokenFile: file,
    });
  });

  it('reads what clients may call, and the limits', async () => {
    const argv = [
      '--allowed-host',
      'a',
      '--allowed-host',
      'b',
      '--allowed-origin',
      'https://a',
      '--http-limit',
      'sessions=3',
    ];
    expect(await settingsOf('--http', '--token-file', file, ...argv)).toMatchObject({
      options: { allowedHosts: ['a', 'b'], allowedOrigins: ['https://a'], limits: { sessions: 3 } },
    });
  });

  it('reads an issuer', async () => {
    const argv = ['--oauth-issuer', 'https://i', '--oauth-audience', 'me', '--oauth-algorithm', 'RS256'];
    expect(await settingsOf('--http', ...argv)).toMatchObject({
      options: { auth: { oauth: { issuer: 'https://i', audience: 'me', algorithms: ['RS256'] } } },
      tokenFile: undefined,
    });
    expect(await settingsOf('--http', '--no-auth')).toMatchObject({ options: { auth: 'none' } });
    expect(await settingsOf()).toBeUndefined();
  });

  it.each([
    [['--http', 'x'], /HOST:PORT/],
    [['--http', '1:70000'], /HOST:PORT/],
    [['--no-auth'], /--no-auth means something only with --http/],
    [['--http-limit', 'a=1'], /only with --http/],
    [['--http', '--no-auth', '--token-file', 'x'], /exclude each other/],
    [['--http', '--no-auth', '--oauth-issuer', 'https://i'], /exclude each other/],
    [['--http', '--oauth-audience', 'x'], /only with --oauth-issuer/],
    [['--http', '--oauth-issuer', 'i'], /whole address/],
    [['--http', '--no-auth', '--allowed-origin', 'app.example.com'], /--allowed-origin must be an origin/],
    [['--http', '--no-auth', '--allowed-origin', 'localhost:3000'], /--allowed-origin must be an origin/],
    [['--http', '--no-auth', '--allowed-origin', 'https://a.example/b'], /without a path/],
    [['--http', '--no-auth', '--allowed-origin', '*'], /--allowed-origin must be an origin/],
    [['--http', '--no-auth', '--http-limit', 'sessions'], /NAME=NUMBER/],
    [['--http', '--no-auth', '--http-limit', 'sessions=-1'], /NAME=NUMBER/],
  ])('refuses %j', async (argv, message) => {
    await expect(settingsOf(...argv)).rejects.toThrow(message);
  });
});
