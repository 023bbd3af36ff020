import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVisionService, type VisionResult } from '../../src/services/builtin/vision.js';
import { OcrPool } from '../../src/services/builtin/vision-ocr.js';
import { contextOf } from './service-context.js';
import { PAINT_PICTURE, pdfOf } from './vision-pdf-files.js';

let folder: string;
let vision: ReturnType<typeof createVisionService>;

const read = async (task: string) => (await vision.execute(task, contextOf())) as VisionResult;

/** Words of the source that were read, and how many there are. */
function wordsFound(sourceFile: string, text: string): { readonly found: number; readonly total: number } {
  const words = readFileSync(sourceFile, 'utf8')
    .split(/\s+/)
    .filter((word) => /[^-]/.test(word));
  const left = text.split(/\s+/);
  const found = words.filter((word) => {
    const at = left.indexOf(word);
    return at >= 0 && left.splice(at, 1).length === 1;
  });
  return { found: found.length, total: words.length };
}

/** "HELLO WORLD" in letters of 7 by 5 dots, each dot `size` pixels; true is ink. */
function lettering(size: number): {
  readonly width: number;
  readonly height: number;
  isInk(x: number, y: number): boolean;
} {
  const glyphs: Record<string, string> = {
    H: '10001 10001 10001 11111 10001 10001 10001',
    E: '11111 10000 10000 11110 10000 10000 11111',
    L: '10000 10000 10000 10000 10000 10000 11111',
    O: '01110 10001 10001 10001 10001 10001 01110',
    W: '10001 10001 10001 10101 10101 11011 10001',
    R: '11110 10001 10001 11110 10100 10010 10001',
    D: '11110 10001 10001 10001 10001 10001 11110',
    ' ': '00000 00000 00000 00000 00000 00000 00000',
  };
  const rows = [...'HELLO WORLD'].map((letter) => (glyphs[letter] ?? '').split(' '));
  const [width, height] = [(rows.length * 6 + 10) * size, 20 * size];
  const isInk = (x: number, y: number) => {
    const [column, row] = [Math.floor(x / size) - 5, Math.floor(y / size) - 6];
    return rows[Math.floor(column / 6)]?.[row]?.[column % 6] === '1';
  };
  return { width, height, isInk };
}

/** One bit a pixel, rows padded to bytes; `ink` is the bit of ink. */
function bitsOf(
  ink: 0 | 1,
  sideways = false,
): { readonly width: number; readonly height: number; readonly bytes: Uint8Array } {
  const upright = lettering(6);
  const [width, height] = sideways ? [upright.height, upright.width] : [upright.width, upright.height];
  const rowBytes = (width + 7) >> 3;
  const bytes = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // A page that is shown turned clockwise by 90 degrees holds its picture turned the other way.
      const isInk = sideways ? upright.isInk(height - 1 - y, x) : upright.isInk(x, y);
      const at = y * rowBytes + (x >> 3);
      if (isInk === (ink === 1)) bytes[at] = (bytes[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return { width, height, bytes };
}

function scanOf(entries: string, { width, height, bytes }: ReturnType<typeof bitsOf>, rotate = 0) {
  const all = `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /BitsPerComponent 1 /Filter /FlateDecode ${entries}`;
  return pdfOf([{ content: PAINT_PICTURE, rotate, picture: { entries: all, bytes: deflateSync(bytes) } }]);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocr-'));
  writeFileSync(join(folder, 'bits.pdf'), scanOf('/ColorSpace /DeviceGray', bitsOf(0)));
  writeFileSync(join(folder, 'stencil.pdf'), scanOf('/ImageMask true /Decode [1 0]', bitsOf(1)));
  // The picture is turned counter-clockwise, and the page says: show it turned clockwise.
  writeFileSync(join(folder, 'turned.pdf'), scanOf('/ColorSpace /DeviceGray', bitsOf(0, true), 90));
  writeFileSync(join(folder, 'cut.jpg'), readFileSync('examples/receipt.jpg').subarray(0, 40_000));
  writeFileSync(
    join(folder, 'blank.pgm'),
    Buffer.concat([Buffer.from('P5\n300 200\n255\n'), Buffer.alloc(60_000, 255)]),
  );
  copyFileSync('examples/receipt.jpg', join(folder, 'holiday.jpg'));
  vision = createVisionService({ roots: ['examples', folder] });
});

afterAll(async () => {
  await vision.close?.();
  rmSync(folder, { recursive: true });
});

describe('vision reads scanned pages', () => {
  it('reads every word of the letter', async () => {
    const result = await read('Extract the text of the scanned pdf scan.pdf');
    expect(result.pages).toMatchObject([{ page: 1, method: 'ocr' }]);
    expect(result.pages[0]?.confidence).toBeGreaterThan(0.85);
    expect(result.text).toContain('68,400 EUR; the policy number is HCL-5520.');
    const { found, total } = wordsFound('examples/make/letter.txt', result.text);
    expect(found).toBeGreaterThanOrEqual(total - 2);
  });

  it.each([
    ['one bit a pixel, as fax compression leaves it', 'bits.pdf'],
    ['a stencil', 'stencil.pdf'],
    ['a page turned by 90 degrees', 'turned.pdf'],
  ])('reads %s', async (_what, file) => {
    expect((await read(`OCR ${file}`)).text).toBe('HELLO WORLD');
  });
});

describe('vision reads pictures', () => {
  it('reads the noisy, turned receipt on its dark table, the column of prices too', async () => {
    const result = await read('OCR the photo receipt.jpg');
    expect(result).toMatchObject({
      kind: 'picture',
      picture: {
        format: 'jpeg',
        width: 1100,
        height: 1460,
        exif: { Model: 'Pocket Camera 1', DateTimeOriginal: '2024-06-07T08:45:10' },
      },
    });
    expect(result.text).toContain('TOTAL EUR 19.60');
    const { found, total } = wordsFound('examples/make/receipt.txt', result.text);
    expect(found).toBeGreaterThanOrEqual(total - 3);
  });

  it('says, when asked what a picture shows, that it tells facts and text only', async () => {
    const result = await read('Describe this image holiday.jpg');
    expect(result.text).toContain('CORNER BAKERY');
    expect(result.note).toContain('needs a vision model');
  });

  it('asks for a model when a picture without text is to be described', async () => {
    await expect(read('Describe the picture blank.pgm')).rejects.toMatchObject({
      code: 'NO_MODEL',
      retryable: false,
      facts: { picture: { format: 'pnm', width: 300, height: 200 } },
    });
  });

  it('tells the facts of a picture without text when these are asked for', async () => {
    const result = await read('What is the size in pixels of blank.pgm?');
    expect(result).toMatchObject({
      text: '',
      picture: { width: 300, height: 200, sizeBytes: 60_015, exif: null },
    });
  });

  it('finds no text where there is none', async () => {
    expect(await read('Extract text from blank.pgm')).toMatchObject({ text: '', note: expect.any(String) });
  });

  it('refuses a broken picture and reads the next one', async () => {
    await expect(read('OCR cut.jpg')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      facts: { reason: 'unreadable' },
    });
    expect((await read('OCR bits.pdf')).text).toBe('HELLO WORLD');
  });
});

describe('OcrPool', () => {
  const receipt = readFileSync('examples/receipt.jpg');

  it('gives up at once when cancelled in the middle of a reading, and reads the next picture', async () => {
    const pool = new OcrPool(1);
    const caller = new AbortController();
    await pool.recognise(receipt, { signal: caller.signal, photo: false, languages: ['eng'] });
    const reading = pool.recognise(receipt, { signal: caller.signal, photo: true, languages: ['eng'] });
    await new Promise((resolve) => setTimeout(resolve, 40));
    const cancelledAt = performance.now();
    caller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    expect(performance.now() - cancelledAt).toBeLessThan(500);
    const next = await pool.recognise(receipt, {
      signal: new AbortController().signal,
      photo: false,
      languages: ['eng'],
    });
    expect(next.text).toContain('Market Square');
    await pool.close();
  });

  it('lets nobody wait in line longer than the signal allows', async () => {
    const pool = new OcrPool(1);
    const { signal } = new AbortController();
    const caller = new AbortController();
    const first = pool.recognise(receipt, { signal, photo: false, languages: ['eng'] });
    const second = pool.recognise(receipt, { signal: caller.signal, photo: false, languages: ['eng'] });
    const third = pool.recognise(receipt, { signal, photo: false, languages: ['eng'] });
    caller.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    expect((await first).text).toBe((await third).text);
    await pool.close();
  });

  it('refuses a caller who is gone before it starts', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(
      new OcrPool(1).recognise(receipt, { signal, photo: false, languages: ['eng'] }),
    ).rejects.toThrow('gone');
  });
});
