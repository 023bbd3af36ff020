import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileRoots, isInside, readRegularFile } from '../../src/services/file-roots.js';

let base: string;
let roots: FileRoots;

const read = async (given: string) => roots.read(await roots.locate(given));
const textOf = async (given: string) => new TextDecoder().decode(await read(given));

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'roots-')));
  for (const folder of ['root/sub', 'root2', 'root-x', 'outside/deep'])
    mkdirSync(join(base, folder), { recursive: true });
  for (const file of [
    'root/a.txt',
    'root/sub/b.txt',
    'root/..b.txt',
    'root-x/twin.txt',
    'root2/c.txt',
    'outside/secret.txt',
  ]) {
    writeFileSync(join(base, file), file);
  }
  const links = {
    'root/inward': join(base, 'root/a.txt'),
    'root/relative': 'sub/b.txt',
    'root/out': join(base, 'outside/secret.txt'),
    'root/out-missing': join(base, 'outside/nothing.txt'),
    'root/out-folder': join(base, 'outside'),
    'root/chain': 'out',
    'root/loop': 'loop',
    'root/inward-missing': 'nothing.txt',
  };
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(base, path));
  // Node has no call for it.
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(base, 'root/pipe')]);
  truncateSync(join(base, 'root/a.txt'), 10);
  writeFileSync(join(base, 'root/large.bin'), new Uint8Array(2_001));
  roots = new FileRoots({ roots: [join(base, 'root')], maxFileBytes: 2_000 });
});

afterAll(() => rmSync(base, { recursive: true }));

describe('FileRoots reads inside its roots', () => {
  it.each([
    ['a relative path', 'sub/b.txt', 'root/sub/b.txt'],
    ['a name that begins with two dots', '..b.txt', 'root/..b.txt'],
    ['a detour that stays inside', 'sub/../sub/b.txt', 'root/sub/b.txt'],
    ['a link to a file inside', 'relative', 'root/sub/b.txt'],
  ])('%s', async (_what, given, text) => {
    expect(await textOf(given)).toBe(text);
  });

  it('an absolute path and a file address', async () => {
    const path = join(base, 'root/sub/b.txt');
    expect(await textOf(path)).toBe('root/sub/b.txt');
    expect(await textOf(pathToFileURL(path).href)).toBe('root/sub/b.txt');
  });

  it('a root that is itself reached through a link, under both of its names', async () => {
    symlinkSync(join(base, 'root'), join(base, 'linked-root'));
    const linked = new FileRoots({ roots: [join(base, 'linked-root')], maxFileBytes: 2_000 });
    for (const given of ['sub/b.txt', join(base, 'linked-root/sub/b.txt'), join(base, 'root/sub/b.txt')]) {
      expect((await linked.locate(given)).realPath).toBe(join(base, 'root/sub/b.txt'));
    }
  });

  it('the first of several roots that has the file', async () => {
    const several = new FileRoots({ roots: [join(base, 'root'), join(base, 'root2')], maxFileBytes: 2_000 });
    expect((await several.locate('c.txt')).realPath).toBe(join(base, 'root2/c.txt'));
    expect((await several.locate('../root2/c.txt')).realPath).toBe(join(base, 'root2/c.txt'));
  });
});

describe('security default 8: FileRoots refuses with OUTSIDE_ROOT', () => {
  it.each([
    ['a step out', '../outside/secret.txt'],
    ['a step out to nothing', '../outside/nothing.txt'],
    ['a hidden step out', 'sub/../../outside/secret.txt'],
    ['an absolute path', '/etc/passwd'],
    ['an absolute path to nothing', '/etc/no-such-file'],
    ['the prefix twin of the root', '../root-x/twin.txt'],
    ['a home path', '~/.ssh/id_ed25519'],
    ['a file address', 'file:///etc/passwd'],
    ['a NUL byte', 'a.txt\0.pdf'],
    ['a link out', 'out'],
    ['a link out to nothing', 'out-missing'],
    ['a file behind a linked folder', 'out-folder/secret.txt'],
    ['nothing behind a linked folder', 'out-folder/nothing.txt'],
    ['a link to a link out', 'chain'],
  ])('%s', async (_what, given) => {
    await expect(read(given)).rejects.toMatchObject({ code: 'OUTSIDE_ROOT', retryable: false });
  });

  it('with the same words whether or not something is there', async () => {
    const told = async (given: string) => {
      const error: Error = await roots.locate(given).then(
        () => new Error('found'),
        (cause) => cause,
      );
      return error.message.replace(given, 'X');
    };
    expect(await told('out')).toBe(await told('out-missing'));
    expect(await told('../outside/secret.txt')).toBe(await told('../outside/nothing.txt'));
  });

  it('showing the path as given, without control characters', async () => {
    await expect(roots.locate('../x\u001b[31m')).rejects.toThrow(/^"\.\.\/x.\[31m" is outside/);
    await expect(roots.locate('~/x')).rejects.toThrow(/^"~\/x" is outside/);
  });
});

describe('FileRoots reads regular files of a bounded size only', () => {
  it.each([
    ['nothing of that name', 'nothing.txt', 'NOT_FOUND', undefined],
    ['a link to nothing inside', 'inward-missing', 'NOT_FOUND', undefined],
    ['a link to itself', 'loop', 'NOT_FOUND', undefined],
    ['a file taken for a folder', 'a.txt/b.txt', 'NOT_FOUND', undefined],
    ['a folder', 'sub', 'INVALID_INPUT', 'not-a-file'],
    ['a FIFO, without waiting for a writer', 'pipe', 'INVALID_INPUT', 'not-a-file'],
    ['a file above the cap', 'large.bin', 'INVALID_INPUT', 'too-large'],
  ])('%s', async (_what, given, code, reason) => {
    const failure = { code, retryable: false, ...(reason !== undefined && { facts: { reason } }) };
    await expect(read(given)).rejects.toMatchObject(failure);
  });

  it('and never through a link that took the place of the file', async () => {
    await expect(readRegularFile(join(base, 'root/out'), 'out', 2_000)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(readRegularFile(join(base, 'root/out-folder/secret.txt'), 'x', 2_000)).rejects.toMatchObject(
      {
        code: 'INVALID_INPUT',
      },
    );
  });
});

it.each([
  ['/data', '/data/x', true],
  ['/data', '/data', true],
  ['/data', '/data-x', false],
  ['/data', '/data/..x', true],
  ['/data', '/', false],
  ['/', '/anything', true],
])('isInside(%s, %s) is %s', (root, path, expected) => {
  expect(isInside(root, path)).toBe(expected);
});
