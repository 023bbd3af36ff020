/** Text of PDF files by page: the text layer where there is one, else OCR of the pictures on the page. */

import { messageOf } from '../../core/errors.js';
import { invalidInput } from '../input-errors.js';
import { withAbort } from '../with-abort.js';
import { type BoxDetail, linesField, type TextLine } from './vision-boxes.js';
import type { OcrText } from './vision-ocr.js';
import { textLayerOf } from './vision-text-layer.js';

/** Text of one page. */
export interface PageText {
  /** 1 for the first. */
  readonly page: number;
  readonly text: string;
  readonly method: 'text-layer' | 'ocr' | 'plain-text';
  /** 0 to 1; only for OCR. */
  readonly confidence?: number;
  /** Lines in the order in which they are read, at most 500; for plain text there are none. */
  readonly lines?: readonly TextLine[];
  /** What boxes are measured in: pixels of the picture as it was read (upright), or points of the PDF page. */
  readonly unit?: 'pixel' | 'point';
  /** Why there is no text, when there is none. */
  readonly note?: string;
}

export interface PdfText {
  readonly totalPages: number;
  readonly pages: readonly PageText[];
  readonly title: string | null;
}

export interface PdfOptions {
  /** The path that errors show. */
  readonly file: string;
  /** Pages to read, 1 for the first; null for all. */
  readonly pages: readonly number[] | null;
  /** Most pages read of one file. */
  readonly maxPages: number;
  /** Largest picture on a page that is decoded, in pixels. */
  readonly maxPixels: number;
  readonly boxes: BoxDetail;
  readonly signal: AbortSignal;
  readonly recognise: (picture: Uint8Array) => Promise<OcrText>;
  readonly progress: (fraction: number, message: string) => void;
}

/** A page with less text than this is taken for a scan: scanners stamp a page number at most. */
const LEAST_TEXT_LAYER = 8;

/** Pictures below this width or height are ornaments. */
const LEAST_PICTURE_SIDE = 40;

type Pdf = Awaited<ReturnType<typeof import('unpdf').getDocumentProxy>>;
type Page = Awaited<ReturnType<Pdf['getPage']>>;

/** Decoded pixels as PDF.js hands them out: `kind` 1 is one bit a pixel, 2 RGB, 3 RGBA; none is a stencil mask. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly kind?: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * @param bytes - The file; detached afterwards.
 * @throws OrchestratorError `INVALID_INPUT`: not a PDF, locked, no such page, too many pages, nothing readable on any page
 */
export async function readPdf(bytes: Uint8Array, options: PdfOptions): Promise<PdfText> {
  const { file, signal } = options;
  const pdf = await openPdf(bytes, options);
  try {
    signal.throwIfAborted();
    const wanted = pagesToRead(pdf.numPages, options);
    const pages: PageText[] = [];
    for (const number of wanted) {
      options.progress(pages.length / wanted.length, `page ${number} of ${pdf.numPages}`);
      pages.push(await readPage(pdf, number, options));
      signal.throwIfAborted();
    }
    if (pages.every(({ text }) => text === '')) throw nothingReadable(file, pages);
    return { totalPages: pdf.numPages, pages, title: await titleOf(pdf) };
  } finally {
    await pdf.destroy();
  }
}

async function openPdf(bytes: Uint8Array, { file, maxPixels }: PdfOptions): Promise<Pdf> {
  const { getDocumentProxy } = await import('unpdf');
  try {
    // verbosity 0: PDF.js would write its warnings to stdout.
    return await getDocumentProxy(bytes, { verbosity: 0, maxImageSize: maxPixels });
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'PasswordException') {
      const message = `"${file}" is locked with a password; save a copy without one.`;
      throw invalidInput('password', message, { file }, cause);
    }
    const message = `"${file}" cannot be read as a PDF (${messageOf(cause)}); check that the file is whole.`;
    throw invalidInput('unreadable', message, { file }, cause);
  }
}

/**
 * The pages that a task wants of a file, 1 for the first.
 *
 * @throws OrchestratorError `INVALID_INPUT`: no such page, too many pages
 */
export function pagesToRead(
  totalPages: number,
  { file, pages, maxPages }: Pick<PdfOptions, 'file' | 'pages' | 'maxPages'>,
): readonly number[] {
  const wanted = pages ?? Array.from({ length: totalPages }, (_, index) => index + 1);
  const missing = wanted.find((page) => page > totalPages);
  if (missing !== undefined) {
    const message = `"${file}" has ${totalPages} page(s); there is no page ${missing}. Name pages from 1 to ${totalPages}.`;
    throw invalidInput('no-such-page', message, { file, totalPages, page: missing });
  }
  if (wanted.length > maxPages) {
    const message = `"${file}" has ${totalPages} pages; at most ${maxPages} are read at once. Name some in kwargs.pages, such as [1, 2, 3].`;
    throw invalidInput('too-large', message, { file, totalPages, maxPages });
  }
  return wanted;
}

async function readPage(pdf: Pdf, number: number, options: PdfOptions): Promise<PageText> {
  const page = await pdf.getPage(number);
  const { text: layer, lines } = await textLayerOf(page);
  if (layer.length >= LEAST_TEXT_LAYER) {
    const places = linesField(lines, options.boxes);
    return {
      page: number,
      text: layer,
      method: 'text-layer',
      ...places,
      ...(places.lines && { unit: 'point' }),
    };
  }
  const pictures = await picturesOn(page, options.signal);
  page.cleanup();
  if (pictures.length === 0) {
    const note = 'holds no picture, and hardly any text: drawn as vectors, or blank';
    return { page: number, text: layer, method: 'text-layer', ...(layer === '' && { note }) };
  }
  const readings: OcrText[] = [];
  for (const picture of pictures) readings.push(await options.recognise(toPgm(picture, page.rotate)));
  const text = readings
    .map((reading) => reading.text)
    .join('\n')
    .trim();
  const confidence = Math.max(...readings.map((reading) => reading.confidence));
  const all = readings.flatMap(({ lines }, at) =>
    lines.map((line) => (readings.length > 1 ? { ...line, picture: at + 1 } : line)),
  );
  const places = linesField(all, options.boxes);
  const note = text === '' ? { note: 'holds a picture without readable text' } : {};
  return {
    page: number,
    text: text === '' ? layer : text,
    method: 'ocr',
    confidence,
    ...places,
    ...(places.lines && { unit: 'pixel' }),
    ...note,
  };
}

/** The pictures on a page in the order in which they are painted, scans with one bit a pixel and stencils included. */
async function picturesOn(page: Page, signal: AbortSignal): Promise<Pixels[]> {
  const { OPS } = await (await import('unpdf')).getResolvedPDFJS();
  const { fnArray, argsArray } = await page.getOperatorList();
  const painting = new Set<number>([
    OPS.paintImageXObject,
    OPS.paintInlineImageXObject,
    OPS.paintImageMaskXObject,
  ]);
  const pictures: Pixels[] = [];
  for (const [index, operator] of fnArray.entries()) {
    if (!painting.has(operator)) continue;
    const pixels = await pixelsOf(page, argsArray[index]?.[0], signal);
    if (pixels !== null && Math.min(pixels.width, pixels.height) >= LEAST_PICTURE_SIDE) pictures.push(pixels);
  }
  return pictures;
}

/** An argument is the pixels themselves, or the name of a stored object; a stencil may name its data alone. */
async function pixelsOf(page: Page, argument: unknown, signal: AbortSignal): Promise<Pixels | null> {
  const found = typeof argument === 'string' ? await storedObject(page, argument, signal) : argument;
  if (typeof found !== 'object' || found === null || !('data' in found)) return null;
  if (typeof found.data !== 'string') return found as Pixels;
  const stored = await storedObject(page, found.data, signal);
  return typeof stored === 'object' && stored !== null && 'data' in stored ? (stored as Pixels) : null;
}

function storedObject(page: Page, name: string, signal: AbortSignal): Promise<unknown> {
  const store = name.startsWith('g_') ? page.commonObjs : page.objs;
  // PDF.js may never answer for a picture it could not decode, so the signal has the last word.
  return withAbort(signal, new Promise((resolve) => store.get(name, resolve)));
}

/** Grey pixels with a PNM header, which tesseract reads; turned upright by the page's rotation in degrees. */
function toPgm(pixels: Pixels, rotation: number): Uint8Array {
  const grey = greyOf(pixels);
  const { width, height } = pixels;
  const turn = ((rotation % 360) + 360) % 360;
  const isSideways = turn === 90 || turn === 270;
  const header = Buffer.from(`P5\n${isSideways ? height : width} ${isSideways ? width : height}\n255\n`);
  return Buffer.concat([header, turn === 0 ? grey : turned(grey, width, height, turn)]);
}

function greyOf({ width, height, kind, data }: Pixels): Uint8Array {
  const grey = new Uint8Array(width * height);
  if (kind === 2 || kind === 3) {
    const channels = kind + 1;
    for (let at = 0, from = 0; at < grey.length; at++, from += channels) {
      grey[at] = ((data[from] ?? 0) * 77 + (data[from + 1] ?? 0) * 151 + (data[from + 2] ?? 0) * 28) >> 8;
    }
    return grey;
  }
  // One bit a pixel, rows padded to whole bytes: 1 is white in a picture and unpainted in a stencil.
  const rowBytes = (width + 7) >> 3;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const byte = data[y * rowBytes + (x >> 3)] ?? 0;
      grey[at] = (byte >> (7 - (x & 7))) & 1 ? 255 : 0;
    }
  }
  return grey;
}

/** Turns clockwise by 90, 180 or 270 degrees. */
function turned(grey: Uint8Array, width: number, height: number, turn: number): Uint8Array {
  const result = new Uint8Array(grey.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (turn === 90) result[x * height + (height - 1 - y)] = grey[at] ?? 0;
      else if (turn === 180) result[result.length - 1 - at] = grey[at] ?? 0;
      else result[(width - 1 - x) * height + y] = grey[at] ?? 0;
    }
  }
  return result;
}

async function titleOf(pdf: Pdf): Promise<string | null> {
  const { info } = await pdf.getMetadata();
  const title = 'Title' in info ? info.Title : null;
  return typeof title === 'string' && title.trim() !== '' ? title.trim() : null;
}

function nothingReadable(file: string, pages: readonly PageText[]): Error {
  const numbers = pages.map(({ page }) => page).join(', ');
  const isScan = pages.some(({ method }) => method === 'ocr');
  const what = isScan
    ? 'hold no readable text'
    : 'hold neither text nor pictures (drawn as vectors, or blank)';
  const message = `Page(s) ${numbers} of "${file}" ${what}; export the pages as PNG pictures and name those, or name other pages.`;
  return invalidInput(isScan ? 'unreadable' : 'vector-only', message, {
    file,
    pages: pages.map(({ page }) => page),
  });
}
