/**
 * The built-in service `vision`: text of PDF files and pictures, read on this machine without a model.
 *
 * One file, because it is one decision: which file a task means, what kind it is, and which answer or refusal fits. How
 * PDF files, pictures and OCR are read stands in the files beside it.
 */

import { basename } from 'node:path';
import * as z from 'zod';
import { OrchestratorError } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';
import type { Service, ServiceContext } from '../../core/service.js';
import { FileRoots, type RootedPath } from '../file-roots.js';
import { invalidInput, needsInput, wrongArguments } from '../input-errors.js';
import { Lazy } from '../lazy.js';
import { filesNamedIn, locateNamed, suggestFiles } from '../named-files.js';
import type { BoxDetail } from './vision-boxes.js';
import { type VisionModel, visionModelSchema } from './vision-model.js';
import type { OcrPool } from './vision-ocr.js';
import type { PageText } from './vision-pdf.js';
import type { PictureFacts, PictureFormat } from './vision-picture.js';

/** Three-letter codes, as in `@tesseract.js-data/deu`. A pattern, because the code becomes part of a path. */
const languageSchema = lazySchema(() =>
  z.string().regex(/^[a-z]{3}(?:_[a-z]{2,10})*$/, 'expected a code such as eng, deu or chi_sim'),
);
const languagesSchema = lazySchema(() => z.array(languageSchema.schema).min(1).max(8).readonly());

/** Options of {@link createVisionService}. */
export const visionOptionsSchema = lazySchema(() =>
  z.strictObject({
    roots: z
      .array(z.string().min(1))
      .min(1)
      .readonly()
      .default(['.'])
      .describe('Folders whose files may be read.'),
    maxFileBytes: z
      .number()
      .int()
      .positive()
      .default(50 * 1024 * 1024)
      .describe('Largest file that is read, in bytes.'),
    maxPages: z.number().int().positive().default(200).describe('Most pages of one PDF read for one task.'),
    maxPixels: z
      .number()
      .int()
      .positive()
      .default(50_000_000)
      .describe('Largest picture that is decoded, in pixels.'),
    languages: languagesSchema.schema
      .default(['eng'])
      .describe(
        'Languages of scans and pictures, the likeliest first. All but eng need their package: npm install @tesseract.js-data/deu.',
      ),
    model: visionModelSchema.schema
      .optional()
      .describe('Tells what a picture shows; without it only text and facts of pictures are told.'),
    concurrency: z
      .number()
      .int()
      .positive()
      .default(2)
      .describe('Most files read at once; each may keep one thread of about 200 MB for OCR.'),
  }),
);
export type VisionOptions = z.input<typeof visionOptionsSchema>;

/** What `vision` answers. Plain data. */
export interface VisionResult {
  /** The path as the task named it. */
  readonly file: string;
  readonly kind: 'pdf' | 'picture' | 'text';
  /** Only for PDF files. */
  readonly totalPages?: number;
  readonly title?: string;
  /** Only for pictures. */
  readonly picture?: PictureFacts;
  readonly pages: readonly PageText[];
  /** The text of all pages, with an empty line between pages. */
  readonly text: string;
  /** What a picture shows, by the model that is named; only when a task asks for it and a model is configured. */
  readonly description?: string;
  readonly model?: string;
  readonly note?: string;
}

const kwargsSchema = lazySchema(() =>
  z.strictObject({
    path: z.string().min(1).optional(),
    pages: z.union([z.int().positive(), z.array(z.int().positive()).min(1)]).optional(),
    languages: languagesSchema.schema.optional(),
    boxes: z.enum(['none', 'lines', 'words']).default('lines'),
    /** Put there by executeSubtasks for steps that depend on others. */
    dependencies: z.unknown().optional(),
  }),
);

const READABLE_NAME = /\.(?:pdf|png|jpe?g|gif|bmp|webp|tiff?|p[bgnp]m|txt|md|csv|json|html?|log)$/i;
const PICTURE_OR_PDF = /\.(?:pdf|png|jpe?g|gif|bmp|webp|tiff?|p[bgnp]m)$/i;
const ACCEPTED = 'PDF, PNG, JPEG, TIFF, GIF, WebP, PNM or plain text';

/** Words that ask what a picture shows, beyond the text in it. */
const ASKS_WHAT_IT_SHOWS =
  /\b(?:describe|caption|what(?:'s| is| are| does| do you see)|who(?:'s| is| are)|identify|recogni[sz]e|detect|analy[sz]e|look at|objects?|scene|people|faces?)\b/i;
/** Words that ask for the text in it, or for facts that the file states. */
const ASKS_FOR_TEXT_OR_FACTS =
  /\b(?:text|ocr|extract|transcribe|read|words?|letters?|numbers?|total|amount|says?|written|format|size|dimensions?|resolution|pixels?|exif|metadata|camera|taken|gps)\b/i;

/**
 * Creates the service `vision`. It reads the file that the task names (or `kwargs.path`), inside `roots` only:
 * the text layer of PDF files, OCR for scanned pages and pictures, and the facts of a picture. `kwargs.pages` (1 for the
 * first), or "page 2" in the task, picks pages of a PDF or TIFF file; `kwargs.languages` names the languages of a scan;
 * `kwargs.boxes` (`none`, `lines`, `words`; default `lines`) says how exactly places are told. With `model` configured a
 * task that asks what a picture shows is answered by that model.
 *
 * Fails with `NEEDS_INPUT`, `NOT_FOUND`, `OUTSIDE_ROOT`, `INVALID_INPUT` (`facts.reason` says why), `MISSING_PACKAGE`,
 * or `NO_MODEL` when the task asks what a picture shows and there is no text in it.
 *
 * @example
 * createOrchestrator({ services: { vision: createVisionService({ roots: ['documents'] }) } });
 */
export function createVisionService(options: VisionOptions = {}): Service {
  const settings = visionOptionsSchema.parse(options);
  const roots = new FileRoots(settings);
  // What reads files is loaded by the first task, not at the start.
  const ocr = new Lazy(async () => {
    const { OcrPool } = await import('./vision-ocr.js');
    return new OcrPool(settings.concurrency);
  });
  const reader: Reader = { ...settings, roots, ocr };
  return {
    description:
      'Reads PDF files and pictures on this machine: text of documents, OCR of scans, photos and screenshots, and the format, size and camera facts of an image.',
    capabilities: [
      'extract text from PDF documents',
      'OCR of scanned pages, photos and screenshots',
      'read invoices, receipts, letters and forms',
      'image format, size and EXIF camera data',
      'analyze an image or picture',
    ],
    examples: [
      'Extract text from invoice.pdf',
      'Extract the text of the scanned letter scan.pdf',
      'OCR the photo of the receipt receipt.jpg',
      'What does the screenshot error.png say?',
      'Read pages 2 to 4 of the PDF report.pdf',
      'Which camera took the picture holiday.jpg?',
      'Analyze this image diagram.png',
    ],
    concurrency: settings.concurrency,
    idempotent: true,
    execute: (task, context) => answer(reader, task, context),
    close: async () => (await ocr.made)?.close(),
  };
}

interface Reader {
  readonly roots: FileRoots;
  readonly ocr: Lazy<OcrPool>;
  readonly maxPages: number;
  readonly maxPixels: number;
  readonly languages: readonly string[];
  readonly model?: VisionModel | undefined;
}

/** What one task asks for. */
interface Wish {
  readonly task: string;
  readonly pages: readonly number[] | null;
  readonly boxes: BoxDetail;
}

async function answer(service: Reader, task: string, context: ServiceContext): Promise<VisionResult> {
  const { signal } = context;
  signal.throwIfAborted();
  const kwargs = kwargsSchema.safeParse(context.kwargs);
  if (!kwargs.success) throw wrongArguments('vision', new Error(z.prettifyError(kwargs.error)));
  const { path, pages, boxes, languages = service.languages } = kwargs.data;
  const reader = { ...service, languages };
  const place = await locateFile(reader.roots, task, path, signal);
  const file = place.given;
  const bytes = await reader.roots.read(place);
  signal.throwIfAborted();
  const wanted = pages === undefined ? pagesNamedIn(task.replaceAll(file, ' ')) : [pages].flat();
  if (Buffer.from(bytes.subarray(0, 1024)).includes('%PDF-')) {
    return answerPdf(reader, { file, bytes }, { task, pages: wanted, boxes }, context);
  }
  const { isReadableFormat, pictureFormatOf } = await import('./vision-picture.js');
  const format = pictureFormatOf(bytes);
  if (format !== null && !isReadableFormat(format)) throw unsupported(file, format);
  if (format !== null)
    return answerPicture(reader, { file, bytes, format }, { task, pages: wanted, boxes }, context);
  if (PICTURE_OR_PDF.test(place.realPath)) throw notWhatItSays(file);
  return answerPlainText(file, bytes);
}

async function locateFile(
  roots: FileRoots,
  task: string,
  path: string | undefined,
  signal: AbortSignal,
): Promise<RootedPath> {
  if (path !== undefined) return locateNamed(roots, { readings: [path] }, signal);
  const all = filesNamedIn(task);
  const readable = all.filter(({ readings }) => READABLE_NAME.test(readings[0] ?? ''));
  const named = readable.length > 0 ? readable : all;
  const [first] = named;
  if (first === undefined) {
    const examples = await suggestFiles(roots, (name) => PICTURE_OR_PDF.test(name), signal);
    const such = examples.length === 0 ? '' : `, such as ${examples.join(', ')}`;
    const message = `No file is named in the task; name a PDF or picture in ${roots.names.join(', ')} by its path${such}, or pass it as kwargs.path.`;
    throw needsInput(message, { accepted: ACCEPTED, examples });
  }
  if (named.length > 1) {
    const files = named.map(({ readings }) => readings[0] ?? '');
    const message = `The task names ${files.length} files (${files.join(', ')}); give one task for each, for example with executeParallel.`;
    throw needsInput(message, { files });
  }
  return locateNamed(roots, first, signal);
}

/** "page 3", "pages 2-4" or "pages 2 to 4" in the words of a task; null when it names none. */
function pagesNamedIn(task: string): number[] | null {
  const range = /\bpages?\s+(\d{1,4})(?:\s*(?:-|–|to|through)\s*(\d{1,4}))?\b/i.exec(task);
  if (range === null) return null;
  const first = Number(range[1]);
  const last = range[2] === undefined ? first : Number(range[2]);
  if (first < 1 || last < first) return null;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

async function answerPdf(
  { ocr, maxPages, maxPixels, languages }: Reader,
  { file, bytes }: { file: string; bytes: Uint8Array },
  { pages, boxes }: Wish,
  { signal, progress }: ServiceContext,
): Promise<VisionResult> {
  const { readPdf } = await import('./vision-pdf.js');
  const recognise = async (picture: Uint8Array) =>
    (await ocr.get()).recognise(picture, { signal, languages, photo: false });
  const limits = { maxPages, maxPixels, boxes };
  const read = await readPdf(bytes, { file, pages, ...limits, signal, recognise, progress });
  const title = read.title === null ? {} : { title: read.title };
  const { totalPages } = read;
  return { file, kind: 'pdf', totalPages, ...title, pages: read.pages, text: joined(read.pages) };
}

async function answerPicture(
  reader: Reader,
  source: { readonly file: string; readonly bytes: Uint8Array; readonly format: PictureFormat },
  wish: Wish,
  context: ServiceContext,
): Promise<VisionResult> {
  const { file, bytes, format } = source;
  const { maxPixels, model } = reader;
  const { pictureFactsOf } = await import('./vision-picture.js');
  const picture = await pictureFactsOf(bytes, format);
  const pixels = (picture.width ?? 0) * (picture.height ?? 0);
  if (pixels > maxPixels) {
    const message = `"${file}" has ${picture.width} x ${picture.height} pixels; at most ${maxPixels} are read. Make it smaller or raise maxPixels.`;
    throw invalidInput('too-large', message, { file, pixels, maxPixels });
  }
  const { task } = wish;
  const wantsDescription =
    ASKS_WHAT_IT_SHOWS.test(task) && !ASKS_FOR_TEXT_OR_FACTS.test(task.replaceAll(file, ' '));
  const result = { file, kind: 'picture' as const, picture };
  if (wantsDescription && model !== undefined) {
    const { describePicture } = await import('./vision-model.js');
    return { ...result, pages: [], text: '', ...(await describePicture(model, source, task, context)) };
  }
  const { readPicture } = await import('./vision-photo.js');
  const { pages, totalPages } = await readPicture(reader, source, wish, context);
  const text = joined(pages);
  if (wantsDescription && text === '') throw noVisionModel(file, picture);
  const read = { ...result, ...(totalPages > 1 && { totalPages }), pages, text };
  if (text === '') return { ...read, note: 'No readable text was found in the picture.' };
  if (!wantsDescription) return read;
  const note =
    'The facts of the file and the text in it. Telling what the picture shows needs a vision model.';
  return { ...read, note };
}

function answerPlainText(file: string, bytes: Uint8Array): VisionResult {
  if (bytes.includes(0)) throw unsupported(file, null);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { file, kind: 'text', pages: [{ page: 1, text, method: 'plain-text' }], text };
  } catch (cause) {
    if (cause instanceof TypeError) throw unsupported(file, null);
    throw cause;
  }
}

function joined(pages: readonly PageText[]): string {
  return pages
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join('\n\n');
}

function unsupported(file: string, format: string | null): Error {
  const what = format === null ? 'a kind of file' : `a ${format.toUpperCase()} picture,`;
  const message = `"${basename(file)}" is ${what} that cannot be read here; convert it to ${ACCEPTED}.`;
  return invalidInput('unsupported-type', message, { file, format });
}

function notWhatItSays(file: string): Error {
  const message = `"${file}" is neither a PDF nor a picture, whatever its name says; check that the file is whole.`;
  return invalidInput('unreadable', message, { file });
}

function noVisionModel(file: string, picture: PictureFacts): Error {
  const message = `Telling what "${file}" shows needs a vision model, and no text was found in it; set "model" of "vision" to one, with its baseURL. If you are a model calling this tool and can see the picture: describe it yourself.`;
  return new OrchestratorError('NO_MODEL', message, { file, picture });
}
