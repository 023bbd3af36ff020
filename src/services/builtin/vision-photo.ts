/** Text of pictures: photos, screenshots, scans, and the pages of TIFF files. */

import { messageOf, OrchestratorError } from '../../core/errors.js';
import type { ServiceContext } from '../../core/service.js';
import { invalidInput } from '../input-errors.js';
import type { Lazy } from '../lazy.js';
import { type BoxDetail, linesField } from './vision-boxes.js';
import type { OcrPool } from './vision-ocr.js';
import { type PageText, pagesToRead } from './vision-pdf.js';
import { type PictureFormat, pictureFactsOf } from './vision-picture.js';
import { tiffPages, withFirstPage } from './vision-tiff.js';

/** What pictures are read with, and how much of them. */
export interface PictureReader {
  readonly ocr: Lazy<OcrPool>;
  readonly maxPages: number;
  readonly maxPixels: number;
  readonly languages: readonly string[];
}

/** OCR of a picture without text yields a little confident-looking noise; below this it counts as none. */
const LEAST_CONFIDENCE = 0.5;

/**
 * The text of a picture by page: a TIFF file may hold many, as scanners and fax machines make them.
 *
 * @param wish - Pages by number, 1 for the first, null for all; and how exactly places are told.
 * @throws OrchestratorError `INVALID_INPUT`: unreadable, too large, no such page; as `OcrPool.recognise()` does
 */
export async function readPicture(
  { ocr, maxPages, maxPixels, languages }: PictureReader,
  {
    file,
    bytes,
    format,
  }: { readonly file: string; readonly bytes: Uint8Array; readonly format: PictureFormat },
  { pages, boxes }: { readonly pages: readonly number[] | null; readonly boxes: BoxDetail },
  { signal, progress }: Pick<ServiceContext, 'signal' | 'progress'>,
): Promise<{ readonly pages: readonly PageText[]; readonly totalPages: number }> {
  const directories = format === 'tiff' ? tiffPages(bytes) : [];
  const totalPages = Math.max(1, directories.length);
  // "page 2" of a picture with one page only is no page number but a part of what is asked.
  const wanted = pagesToRead(totalPages, { file, pages: totalPages === 1 ? null : pages, maxPages });
  const read: PageText[] = [];
  for (const page of wanted) {
    if (totalPages > 1) progress(read.length / wanted.length, `page ${page} of ${totalPages}`);
    const one =
      totalPages === 1 ? bytes : await tiffPage(bytes, directories[page - 1] ?? 0, { file, maxPixels });
    const { text, confidence, lines } = await recognisePhoto(ocr, file, one, { signal, languages });
    const hasText = confidence >= LEAST_CONFIDENCE && (text.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= 3;
    const places = hasText ? linesField(lines, boxes) : {};
    read.push({
      page,
      text: hasText ? text : '',
      method: 'ocr',
      confidence,
      ...places,
      ...(places.lines && { unit: 'pixel' }),
    });
    signal.throwIfAborted();
  }
  return { pages: read, totalPages };
}

async function tiffPage(
  bytes: Uint8Array,
  directory: number,
  { file, maxPixels }: { readonly file: string; readonly maxPixels: number },
): Promise<Uint8Array> {
  const page = withFirstPage(bytes, directory);
  const { width, height } = await pictureFactsOf(page, 'tiff');
  if ((width ?? 0) * (height ?? 0) <= maxPixels) return page;
  const message = `A page of "${file}" has ${width} x ${height} pixels; at most ${maxPixels} are read. Make it smaller or raise maxPixels.`;
  throw invalidInput('too-large', message, { file, maxPixels });
}

async function recognisePhoto(
  ocr: Lazy<OcrPool>,
  file: string,
  bytes: Uint8Array,
  { signal, languages }: { readonly signal: AbortSignal; readonly languages: readonly string[] },
) {
  try {
    return await (await ocr.get()).recognise(bytes, { signal, languages, photo: true });
  } catch (cause) {
    if (signal.aborted || cause instanceof OrchestratorError) throw cause;
    const message = `"${file}" cannot be read as a picture (${messageOf(cause)}); check that the file is whole.`;
    throw invalidInput('unreadable', message, { file }, cause);
  }
}
