import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createResponsesService } from '../../src/services/builtin/responses.js';
import type { FoundPassage } from '../../src/services/builtin/responses-files.js';
import { passagesIn } from '../../src/services/builtin/responses-passages.js';
import { contextOf } from './service-context.js';

interface Found {
  readonly folder: string | null;
  readonly passages: readonly FoundPassage[];
  readonly searched: { readonly files: number; readonly passages: number; readonly leftOut: number };
}

const searchIn =
  (service: ReturnType<typeof createResponsesService>) =>
  async (task: string, kwargs: Record<string, unknown> = {}) =>
    (await service.execute(task, contextOf({ kwargs }))) as Found;

describe('responses searches the example notes', () => {
  const search = searchIn(createResponsesService({ roots: ['examples'] }));

  it('puts the passage that states the default timeout first', async () => {
    const found = await search('Search my notes for the default timeout');
    expect(found).toMatchObject({ kind: 'files', query: 'the default timeout', folder: null });
    expect(found.passages[0]).toMatchObject({ file: 'notes/service-limits.md', passage: 2 });
    expect(found.passages[0]?.text).toContain('300 seconds');
  });

  it.each([
    ['the words', 'Search the files in "notes" for the goods lift', {}],
    ['a path in the words', 'Search in notes/ for the goods lift', {}],
    ['kwargs.folder', 'Search for the goods lift', { folder: 'notes' }],
    ['a file', 'Search for the goods lift', { folder: 'notes/office-move.md', query: 'goods lift' }],
  ])('narrows the search by %s', async (_what, task, kwargs) => {
    const found = await search(task, kwargs);
    expect(found.passages[0]).toMatchObject({ file: 'notes/office-move.md', passage: 1 });
    expect(found.passages.every(({ file }) => file.startsWith('notes/'))).toBe(true);
    expect(found.searched.leftOut).toBe(0);
  });

  it('reads the visible text of HTML files', async () => {
    const [first] = (await search('Search my files for Fresnel prisms')).passages;
    expect(first).toMatchObject({ file: 'page.html' });
    expect(first?.text).not.toContain('<p>');
  });

  it('answers with no passage when nothing fits', async () => {
    expect((await search('Search my notes for zebras')).passages).toEqual([]);
  });

  it('gives as many passages as kwargs.limit allows', async () => {
    expect((await search('Search my notes for the', { limit: 2 })).passages.length).toBeLessThanOrEqual(2);
    expect((await search('Search my notes for minutes day', { limit: 1 })).passages).toHaveLength(1);
  });

  it.each([
    ['nothing to search for', 'Search my notes', {}, 'NEEDS_INPUT'],
    ['a folder outside', 'Search in ../../src for secrets', {}, 'OUTSIDE_ROOT'],
    ['a folder that is not there', 'Search for x', { folder: 'attic' }, 'NOT_FOUND'],
    ['an unknown argument', 'Search my notes for x', { foldr: 'a' }, 'INVALID_INPUT'],
    ['neither page nor search', 'Hello there', {}, 'NEEDS_INPUT'],
    ['work for a browser', 'Click the login button', {}, 'NO_BROWSER'],
  ])('refuses %s', async (_what, task, kwargs, code) => {
    await expect(search(task, kwargs)).rejects.toMatchObject({ code, retryable: false });
  });
});

describe('responses keeps its index', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'index-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const put = (file: string, text: string | Uint8Array) => {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const filesWith = async (service: ReturnType<typeof createResponsesService>, word: string) =>
    (await searchIn(service)(`Search my files for ${word}`)).passages.map(({ file }) => file).sort();

  it('up to date with files that come, change and go', async () => {
    const service = createResponsesService({ roots: [root] });
    put('a.md', 'apple');
    expect(await filesWith(service, 'apple')).toEqual(['a.md']);
    put('b.txt', 'apple');
    expect(await filesWith(service, 'apple')).toEqual(['a.md', 'b.txt']);
    put('a.md', 'cherry');
    expect(await filesWith(service, 'apple')).toEqual(['b.txt']);
    expect(await filesWith(service, 'cherry')).toEqual(['a.md']);
    rmSync(join(root, 'a.md'));
    expect(await filesWith(service, 'cherry')).toEqual([]);
  });

  it('and notices a change that leaves the size as it was', async () => {
    const service = createResponsesService({ roots: [root] });
    put('a.md', 'apple');
    expect(await filesWith(service, 'apple')).toEqual(['a.md']);
    put('a.md', 'peach');
    utimesSync(join(root, 'a.md'), 1, 1);
    expect(await filesWith(service, 'apple')).toEqual([]);
    expect(await filesWith(service, 'peach')).toEqual(['a.md']);
  });

  it('free of dot folders, node_modules, other kinds of files, binary files and links out', async () => {
    for (const file of ['.git/a.md', 'node_modules/x/a.md', 'a.bin', '.hidden.md', 'sub/package-lock.json'])
      put(file, 'apple');
    put('binary.txt', new Uint8Array([97, 112, 112, 108, 101, 0]));
    put('deep/er/a.md', 'apple');
    symlinkSync('/etc', join(root, 'link'));
    symlinkSync(join(root, 'deep'), join(root, 'again'));
    expect(await filesWith(createResponsesService({ roots: [root] }), 'apple')).toEqual(['deep/er/a.md']);
  });

  it.each([
    ['maxFiles', { maxFiles: 2 }, { files: 2, leftOut: 1 }],
    ['maxFileBytes', { maxFileBytes: 100 }, { files: 2, leftOut: 1 }],
    ['maxIndexedBytes', { maxIndexedBytes: 10 }, { files: 2, leftOut: 1 }],
  ])('within %s, and counts what it leaves out', async (_what, limits, searched) => {
    put('a.md', 'apple');
    put('b.md', 'apple');
    put('c.md', 'apple '.repeat(50));
    const found = await searchIn(createResponsesService({ roots: [root], ...limits }))(
      'Search my files for apple',
    );
    expect(found.searched).toMatchObject(searched);
  });

  it('once for searches that come at the same time, and lets each caller go', async () => {
    for (let at = 0; at < 50; at++) put(`${at}.md`, 'apple');
    const service = createResponsesService({ roots: [root] });
    const caller = new AbortController();
    const task = 'Search my files for apple';
    const cancelled = service.execute(task, contextOf({ signal: caller.signal }));
    const other = searchIn(service)(task);
    caller.abort(new Error('enough'));
    await expect(cancelled).rejects.toThrow('enough');
    expect((await other).searched).toMatchObject({ files: 50, passages: 50 });
  });
});

describe('passagesIn()', () => {
  it.each([
    ['parts at empty lines', 'one\ntwo\n\n\nthree', ['one\ntwo', 'three']],
    ['keeps a heading with what follows', '# A\n\n## B\n\ntext\n\nmore', ['# A\n## B\ntext', 'more']],
    ['keeps a heading without text', 'text\n\n# End', ['text', '# End']],
    ['knows Windows line ends', 'one\r\n\r\ntwo', ['one', 'two']],
    ['finds none in nothing', ' \n\n ', []],
  ])('%s', (_what, text, expected) => {
    expect(passagesIn(text).map((passage) => passage.text)).toEqual(expected);
  });

  it('cuts long passages between words, losing none', () => {
    const words = Array.from({ length: 2_000 }, (_, at) => `word${at}`);
    const passages = passagesIn(words.join(' ')).map((passage) => passage.text);
    expect(Math.max(...passages.map((passage) => passage.length))).toBeLessThanOrEqual(1_200);
    expect(passages.join(' ').split(' ')).toEqual(words);
  });

  it('cuts a passage without any space', () => {
    expect(passagesIn('x'.repeat(3_000)).map(({ text }) => text.length)).toEqual([1_200, 1_200, 600]);
  });

  it('tells the lines on which each passage stands', () => {
    const text = '# A\n\nfirst\nsecond\n\n\nthird\n';
    expect(passagesIn(text).map(({ lines }) => lines)).toEqual([
      [1, 4],
      [7, 7],
    ]);
    const long = Array.from({ length: 40 }, (_, at) => `line ${at + 1} ${'x'.repeat(90)}`).join('\n');
    expect(passagesIn(long).map(({ lines }) => lines)).toEqual([
      [1, 12],
      [13, 24],
      [25, 36],
      [37, 40],
    ]);
  });
});
