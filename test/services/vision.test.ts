import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVisionService, type VisionResult } from '../../src/services/builtin/vision.js';
import { contextOf } from './service-context.js';
import { pdfOf } from './vision-pdf-files.js';

let folder: string;
const services: ReturnType<typeof createVisionService>[] = [];

function visionOf(options: Parameters<typeof createVisionService>[0] = {}) {
  const service = createVisionService({ roots: ['examples', folder], ...options });
  services.push(service);
  return async (task: string, kwargs: Record<string, unknown> = {}) =>
    (await service.execute(task, contextOf({ kwargs }))) as VisionResult;
}

const line = (text: string) => `BT /F1 12 Tf 50 700 Td (${text}) Tj ET`;
const VECTORS = '50 50 m 500 700 l S 100 100 200 200 re f';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vision-'));
  const pages = ['The first page', 'The second page', 'The third page'].map((text) => ({
    content: line(text),
  }));
  writeFileSync(join(folder, 'three pages.pdf'), pdfOf(pages));
  writeFileSync(join(folder, 'drawing.pdf'), pdfOf([{ content: VECTORS }]));
  writeFileSync(
    join(folder, 'mixed.pdf'),
    pdfOf([{ content: line('Some words here') }, { content: VECTORS }]),
  );
  writeFileSync(join(folder, 'cut.pdf'), readFileSync('examples/invoice.pdf').subarray(0, 300));
  writeFileSync(join(folder, 'not.pdf'), 'These are just words.');
  writeFileSync(join(folder, 'words.txt'), 'Plain words.\n');
  writeFileSync(join(folder, 'letter.docx'), new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0]));
  writeFileSync(join(folder, 'picture.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  copyFileSync('examples/invoice.pdf', join(folder, 'invoice.png'));
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.close?.()));
  rmSync(folder, { recursive: true });
});

describe('vision reads PDF files', () => {
  it('takes the text layer of the file that the task names', async () => {
    const result = await visionOf()('Extract text from invoice.pdf');
    expect(result).toMatchObject({
      file: 'invoice.pdf',
      kind: 'pdf',
      totalPages: 1,
      title: 'Invoice 2024-117',
    });
    expect(result.pages).toMatchObject([{ page: 1, method: 'text-layer' }]);
    expect(result.text).toContain('Invoice number 2024-117');
    expect(result.text).toContain('Total due 1,284.50 EUR');
    expect(result.text).toContain('Reading lamp, brass 3 89.50 268.50');
  });

  it('finds a name with spaces, whatever the words before it', async () => {
    const result = await visionOf()('Please read three pages.pdf');
    expect(result.text).toBe('The first page\n\nThe second page\n\nThe third page');
  });

  it.each([
    ['kwargs.pages', 'Read "three pages.pdf"', { pages: [3, 1] }, ['The third page', 'The first page']],
    ['a single page', 'Read "three pages.pdf"', { pages: 2 }, ['The second page']],
    [
      'the words of the task',
      'Read pages 2 to 3 of "three pages.pdf"',
      {},
      ['The second page', 'The third page'],
    ],
    ['kwargs.path', 'Read page 2', { path: 'three pages.pdf' }, ['The second page']],
  ])('picks pages by %s', async (_what, task, kwargs, expected) => {
    const result = await visionOf()(task, kwargs);
    expect(result.pages.map(({ text }) => text)).toEqual(expected);
  });

  it('goes by the bytes, not by the name', async () => {
    expect(await visionOf()('OCR invoice.png')).toMatchObject({ kind: 'pdf' });
  });

  it('says of a page without text and pictures why it is empty', async () => {
    const result = await visionOf()('Extract text from mixed.pdf');
    expect(result.pages[1]).toMatchObject({ page: 2, text: '', note: expect.stringContaining('vectors') });
  });

  it('tells how far it is', async () => {
    const told: number[] = [];
    const service = createVisionService({ roots: [folder] });
    await service.execute(
      'Read "three pages.pdf"',
      contextOf({ progress: (fraction) => told.push(fraction) }),
    );
    expect(told).toEqual([0, 1 / 3, 2 / 3]);
  });
});

it('vision hands out plain text as it is', async () => {
  expect(await visionOf()('Extract text from words.txt')).toMatchObject({
    kind: 'text',
    text: 'Plain words.\n',
  });
});

describe('vision refuses with a code and what to do', () => {
  it.each([
    ['no file named', 'Extract text from this PDF', {}, 'NEEDS_INPUT', /kwargs\.path/],
    ['two files named', 'Compare invoice.pdf and scan.pdf', {}, 'NEEDS_INPUT', /one task for each/],
    ['a file that is not there', 'Extract text from nothing.pdf', {}, 'NOT_FOUND', /check the spelling/],
    ['a file outside', 'Extract text from ../../secret.txt', {}, 'OUTSIDE_ROOT', /"roots"/],
    [
      'a PDF of vectors only',
      'Extract text from drawing.pdf',
      {},
      'INVALID_INPUT',
      /Page\(s\) 1 of "drawing.pdf"/,
    ],
    ['a PDF that was cut off', 'Extract text from cut.pdf', {}, 'INVALID_INPUT', /file is whole/],
    ['a PDF that is none', 'Extract text from not.pdf', {}, 'INVALID_INPUT', /whatever its name says/],
    ['another kind of file', 'Extract text from letter.docx', {}, 'INVALID_INPUT', /convert it/],
    ['a drawing', 'Extract text from picture.svg', {}, 'INVALID_INPUT', /SVG/],
    ['a page that is not there', 'Read page 9 of invoice.pdf', {}, 'INVALID_INPUT', /from 1 to 1/],
    ['an unknown argument', 'Read invoice.pdf', { page: 1 }, 'INVALID_INPUT', /"page"/],
    ['a wrong argument', 'Read invoice.pdf', { pages: [0] }, 'INVALID_INPUT', /pages/],
  ])('%s', async (_what, task, kwargs, code, message) => {
    const failure = { code, retryable: false, message: expect.stringMatching(message) };
    await expect(visionOf()(task, kwargs)).rejects.toMatchObject(failure);
  });

  it('names readable files when none is named', async () => {
    await expect(visionOf({ roots: ['examples'] })('Extract PDF data')).rejects.toMatchObject({
      facts: { examples: ['invoice.pdf', 'receipt.jpg', 'scan.pdf'] },
    });
  });

  it.each([
    ['a file above maxFileBytes', { maxFileBytes: 1_000 }, 'invoice.pdf'],
    ['more pages than maxPages', { maxPages: 2 }, '"three pages.pdf"'],
    ['a picture above maxPixels', { maxPixels: 1_000 }, 'receipt.jpg'],
  ])('%s', async (_what, options, file) => {
    await expect(visionOf(options)(`Read ${file}`)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'too-large' },
    });
  });

  it('a caller who is gone, before a file is opened', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    const service = createVisionService();
    await expect(service.execute('Read invoice.pdf', contextOf({ signal }))).rejects.toThrow('gone');
  });
});

it('createVisionService() names the option it does not know', () => {
  expect(() => createVisionService({ root: ['.'] } as never)).toThrow(/root/);
});
