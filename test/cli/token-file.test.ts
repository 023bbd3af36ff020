import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/cli/exit-code.js';
import { keepToken } from '../../src/cli/token-file.js';

let folder: string;
const { XDG_STATE_HOME } = process.env;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gaffr-token-'));
});
afterEach(() => {
  if (XDG_STATE_HOME === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = XDG_STATE_HOME;
  rmSync(folder, { recursive: true, force: true });
});

describe('keepToken()', () => {
  it('makes a token of 256 bits once, in the state folder, for the owner only', async () => {
    process.env.XDG_STATE_HOME = folder;
    const made = await keepToken();
    expect(made.path).toBe(join(folder, 'gaffr', 'http-token'));
    expect(Buffer.from(made.token, 'base64url')).toHaveLength(32);
    expect(statSync(made.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'gaffr')).mode & 0o777).toBe(0o700);
    expect(await keepToken()).toEqual(made);
    expect(readdirSync(join(folder, 'gaffr'))).toEqual(['http-token']);
  });

  it('gives every server that starts at once the same token', async () => {
    const path = join(folder, 'a', 'token');
    const kept = await Promise.all(Array.from({ length: 20 }, () => keepToken(path)));
    expect(new Set(kept.map(({ token }) => token)).size).toBe(1);
    expect(readFileSync(path, 'utf8').trim()).toBe(kept[0]?.token);
  });

  it.each([
    [0o644, false],
    [0o604, false],
    [0o660, false],
    [0o640, true],
    [0o600, true],
    [0o400, true],
  ])('of a file with mode %o is usable: %s', async (mode, isUsable) => {
    const path = join(folder, 'token');
    writeFileSync(path, 'x'.repeat(40));
    chmodSync(path, mode);
    if (isUsable) expect((await keepToken(path)).token).toBe('x'.repeat(40));
    else await expect(keepToken(path)).rejects.toThrow(/chmod 600/);
  });

  it.each([
    ['empty', ''],
    ['too short', 'x'.repeat(31)],
    ['two lines', `${'x'.repeat(40)}\n${'y'.repeat(40)}`],
    ['no letters of a header', `${'x'.repeat(40)}ä`],
  ])('refuses a file that is %s, without showing it', async (_what, text) => {
    const path = join(folder, 'token');
    writeFileSync(path, text, { mode: 0o600 });
    const refusal = await keepToken(path).catch((cause) => cause);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    if (text !== '') expect(refusal.message).not.toContain(text);
  });

  it('refuses a folder, and a place that cannot be written', async () => {
    await expect(keepToken(folder)).rejects.toThrow(ConfigurationError);
    writeFileSync(join(folder, 'file'), '');
    await expect(keepToken(join(folder, 'file', 'token'))).rejects.toThrow(ConfigurationError);
  });
});
