import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractImages, getDocumentProxy } from 'unpdf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVisionService, type VisionResult } from '../../src/services/builtin/vision.js';
import { tiffPages } from '../../src/services/builtin/vision-tiff.js';
import { contextOf } from './service-context.js';
import { sendJson, startStub } from './stub-model-server.js';

interface Grey {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

let folder: string;
let vision: ReturnType<typeof createVisionService>;

const read = async (task: string, kwargs: Record<string, unknown> = {}, service = vision) =>
  (await service.execute(task, contextOf({ kwargs }))) as VisionResult;

/** The picture in scan.pdf, as grey pixels. */
async function scannedLetter(): Promise<Grey> {
  const pdf = await getDocumentProxy(new Uint8Array(readFileSync('examples/scan.pdf')), { verbosity: 0 });
  const [image] = await extractImages(pdf, 1);
  if (image === undefined) throw new Error('scan.pdf holds no picture');
  const { width, height, channels, data } = image;
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1) grey[at] = data[at * channels] ?? 255;
  return { width, height, data: grey };
}

/** An uncompressed grey TIFF file, one directory a page. */
function tiffOf(pages: readonly Grey[], nextOfLast = 0): Buffer {
  const parts: Buffer[] = [Buffer.alloc(8)];
  parts[0]?.write('II*\0', 'latin1');
  let at = 8;
  let link: { readonly buffer: Buffer; readonly offset: number } = { buffer: parts[0] as Buffer, offset: 4 };
  for (const { width, height, data } of pages) {
    const pixels = data.length % 2 === 0 ? Buffer.from(data) : Buffer.concat([data, Buffer.alloc(1)]);
    const entries = [
      [256, width],
      [257, height],
      [258, 8],
      [259, 1],
      [262, 1],
      [273, at],
      [277, 1],
      [278, height],
      [279, data.length],
    ];
    const directory = Buffer.alloc(2 + entries.length * 12 + 4);
    directory.writeUInt16LE(entries.length, 0);
    for (const [index, [tag = 0, value = 0]] of entries.entries()) {
      const entry = 2 + index * 12;
      directory.writeUInt16LE(tag, entry);
      directory.writeUInt16LE(4, entry + 2);
      directory.writeUInt32LE(1, entry + 4);
      directory.writeUInt32LE(value, entry + 8);
    }
    parts.push(pixels, directory);
    link.buffer.writeUInt32LE(at + pixels.length, link.offset);
    at += pixels.length + directory.length;
    link = { buffer: directory, offset: directory.length - 4 };
  }
  link.buffer.writeUInt32LE(nextOfLast, link.offset);
  return Buffer.concat(parts);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gaffr-vision-'));
  for (const file of ['invoice.pdf', 'scan.pdf', 'receipt.jpg'])
    copyFileSync(`examples/${file}`, join(folder, file));
  const letter = await scannedLetter();
  const blank = { width: 200, height: 200, data: new Uint8Array(40_000).fill(255) };
  writeFileSync(join(folder, 'fax.tiff'), tiffOf([blank, letter]));
  writeFileSync(join(folder, 'circle.tiff'), tiffOf([blank], 8 + 40_000));
  vision = createVisionService({ roots: [folder] });
});

afterAll(async () => {
  await vision.close?.();
  rmSync(folder, { recursive: true, force: true });
});

describe('vision tells where each line stands', () => {
  it('in a text layer, in points from the top left corner', async () => {
    const { pages } = await read('Extract text from invoice.pdf');
    const [page] = pages;
    expect(page).toMatchObject({ method: 'text-layer', unit: 'point' });
    const lines = page?.lines ?? [];
    const number = lines.find(({ text }) => text.includes('2024-117'));
    const total = lines.find(({ text }) => text.includes('1,284.50'));
    expect(number?.confidence).toBeUndefined();
    for (const line of [number, total]) {
      expect(line?.box.x).toBeGreaterThan(0);
      expect((line?.box.x ?? 0) + (line?.box.width ?? 0)).toBeLessThan(612);
      expect(line?.box.height).toBeGreaterThan(5);
    }
    expect(total?.box.y).toBeGreaterThan(number?.box.y ?? 0);
  });

  it('in a scan, in pixels, with confidence; with its words when they are wanted', async () => {
    const { pages } = await read('Extract text from scan.pdf', { boxes: 'words' });
    const lines = pages[0]?.lines ?? [];
    expect(pages[0]?.unit).toBe('pixel');
    expect(lines.length).toBeGreaterThan(3);
    for (const { text, confidence, box, words } of lines) {
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
      expect(words?.map((word) => word.text).join(' ')).toBe(text);
      for (const word of words ?? []) expect(word.box.x).toBeGreaterThanOrEqual(box.x - 1);
    }
  });

  it('by line only unless asked, or not at all', async () => {
    expect((await read('OCR receipt.jpg')).pages[0]?.lines?.[0]).not.toHaveProperty('words');
    expect((await read('OCR receipt.jpg', { boxes: 'none' })).pages[0]).not.toHaveProperty('lines');
  });
});

describe('vision reads every page of a TIFF file', () => {
  it('in order', async () => {
    const result = await read('Extract the text of fax.tiff');
    expect(result).toMatchObject({
      kind: 'picture',
      totalPages: 2,
      pages: [{ page: 1, text: '' }, { page: 2 }],
    });
    const scanned = await read('Extract text from scan.pdf');
    const words = scanned.text.split(/\s+/);
    const found = words.filter((word) => result.text.includes(word));
    expect(found.length).toBeGreaterThan(words.length * 0.9);
  });

  it('or those that are named', async () => {
    expect((await read('Read page 1 of fax.tiff')).pages).toMatchObject([{ page: 1 }]);
    await expect(read('Read page 3 of fax.tiff')).rejects.toMatchObject({
      facts: { reason: 'no-such-page' },
    });
  });

  it('once, when the file goes round in a circle', async () => {
    expect(tiffPages(readFileSync(join(folder, 'circle.tiff')))).toHaveLength(1);
    expect(tiffPages(Buffer.from('II*\0\xff\xff\xff\xff', 'latin1'))).toEqual([]);
  });
});

describe('vision reads other languages', () => {
  it.each([[['deu']], [['eng', 'chi_sim']]])(
    '%j needs their package, which the error names',
    async (languages) => {
      await expect(read('OCR receipt.jpg', { languages })).rejects.toMatchObject({
        code: 'MISSING_PACKAGE',
        message: expect.stringContaining(`npm install @tesseract.js-data/${languages.at(-1)}`),
      });
      expect((await read('OCR receipt.jpg')).text).toContain('Market Square');
    },
  );

  it.each([['../../etc'], ['eng/x'], ['en']])('"%s" is no language', async (language) => {
    await expect(read('OCR receipt.jpg', { languages: [language] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(() => createVisionService({ languages: [language] })).toThrow();
  });
});

describe('vision asks a model what a picture shows, when one is configured', () => {
  it('with the picture and the words of the task', async () => {
    const stub = await startStub((_request, response) =>
      sendJson(response, 200, {
        model: 'eyes-1',
        choices: [{ message: { content: 'A receipt on a dark table.' }, finish_reason: 'stop' }],
      }),
    );
    const model = { baseURL: stub.baseURL, model: 'eyes', apiKey: 'key-0123456789' };
    const service = createVisionService({ roots: [folder], model });
    expect(await read('Describe the picture receipt.jpg', {}, service)).toMatchObject({
      kind: 'picture',
      description: 'A receipt on a dark table.',
      model: 'eyes-1',
      picture: { format: 'jpeg' },
    });
    const [request] = stub.requests;
    expect(request?.headers.authorization).toBe('Bearer key-0123456789');
    expect(request?.body).toMatchObject({
      messages: [
        {
          content: [
            { type: 'text', text: 'Describe the picture receipt.jpg' },
            { image_url: { url: expect.stringMatching(/^data:image\/jpeg;base64,/) } },
          ],
        },
      ],
    });
    // The text of a picture is read on this machine all the same.
    expect((await read('OCR the photo receipt.jpg', {}, service)).text).toContain('Market Square');
    expect(stub.requests).toHaveLength(1);
    await expect(read('Describe the picture fax.tiff', {}, service)).rejects.toMatchObject({
      facts: { reason: 'unsupported-type' },
    });
    await service.close?.();
  });
});
