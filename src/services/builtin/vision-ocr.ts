/**
 * Reads the text in a picture with tesseract.js, offline: the language data comes from its npm package.
 *
 * Owns the recognisers (one thread each, kept warm); talks to tesseract.js only. Invariants:
 * - L1 a recogniser reads one picture at a time; at most `maxRecognisers` live, callers beyond wait in order.
 * - L2 a recogniser whose reading failed or was given up is ended, never used again: tesseract cannot stop a reading, and
 *   its memory is not to be trusted after a fault.
 * - L3 every wait ends on the caller's signal: after an end of its thread tesseract itself would never settle.
 */

import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Worker as Thread } from 'node:worker_threads';
import type { Worker as TesseractWorker } from 'tesseract.js';
import { messageOf, OrchestratorError } from '../../core/errors.js';
import { importOptional } from '../optional-package.js';
import { withAbort } from '../with-abort.js';
import type { TextBox, TextLine } from './vision-boxes.js';

/** What was read in one picture. */
export interface OcrText {
  readonly text: string;
  /** 0 to 1, tesseract's mean over the words; 0 when there are none. */
  readonly confidence: number;
  readonly lines: readonly TextLine[];
}

export interface OcrOptions {
  readonly signal: AbortSignal;
  /** Three-letter codes of the languages that are looked for, the likeliest first. */
  readonly languages: readonly string[];
  /**
   * Reads a second time as one block of text and keeps the better reading. Page layout analysis loses columns of a
   * slip of paper on a dark table; on scanned pages the second reading brings nothing.
   */
  readonly photo: boolean;
}

/** Page segmentation: automatic, and one uniform block of text. The default of tesseract.js (6) loses columns of pages. */
const AUTOMATIC = '3';
const ONE_BLOCK = '6';

/** The second reading must hold this many times as much to be preferred: it mixes up columns of running text. */
const CLEARLY_MORE = 1.1;

/** tesseract.js hands out its thread, but its types do not tell. */
type Worker = TesseractWorker & { readonly worker?: Thread };

/** A warm thread, and what it has learned to read. */
interface Recogniser {
  readonly tesseract: Worker;
  readonly languages: string;
}

interface Reading extends OcrText {
  /** Characters of confident words, weighted by confidence. */
  readonly substance: number;
}

export class OcrPool {
  readonly #maxRecognisers: number;
  readonly #idle: Recogniser[] = [];
  readonly #waiting: (() => void)[] = [];
  #leased = 0;
  #isClosed = false;

  constructor(maxRecognisers: number) {
    this.#maxRecognisers = maxRecognisers;
  }

  /**
   * @param picture - PNG, JPEG, TIFF, GIF, WebP or PNM bytes.
   * @throws OrchestratorError `MISSING_PACKAGE`; `CRASHED` when the thread dies; a plain error for an unreadable picture
   */
  async recognise(picture: Uint8Array, { signal, photo, languages }: OcrOptions): Promise<OcrText> {
    await this.#takeTurn(signal);
    let recogniser: Recogniser | undefined;
    let isSound = false;
    try {
      recogniser = await this.#idleOrNew(languages, signal);
      recogniser.tesseract.worker?.ref();
      const { text, confidence, lines } = await withAbort(
        signal,
        bestReading(recogniser.tesseract, picture, photo),
      );
      isSound = true;
      return { text, confidence, lines };
    } finally {
      await this.#giveBack(recogniser, isSound);
    }
  }

  /** Ends the idle threads; one at work ends with its reading or its signal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#idle.splice(0).map(({ tesseract }) => tesseract.terminate()));
  }

  async #takeTurn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#leased < this.#maxRecognisers) {
      this.#leased++;
      return;
    }
    // A turn is handed over by #giveBack without lowering #leased, so that nobody slips in between.
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(signal.reason);
      };
      const proceed = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(proceed);
    });
  }

  /** One that reads these languages; another that is idle makes room for it. */
  async #idleOrNew(languages: readonly string[], signal: AbortSignal): Promise<Recogniser> {
    const wanted = this.#idle.findIndex((idle) => idle.languages === languages.join('+'));
    const [found] = wanted === -1 ? [] : this.#idle.splice(wanted, 1);
    if (found !== undefined) return found;
    if (this.#leased + this.#idle.length > this.#maxRecognisers)
      await this.#idle.shift()?.tesseract.terminate();
    return this.#start(languages, signal);
  }

  async #start(languages: readonly string[], signal: AbortSignal): Promise<Recogniser> {
    const starting = startRecogniser(languages);
    try {
      return await withAbort(signal, starting);
    } catch (error) {
      // Given up while it starts: it is ended once it is there.
      starting.then(({ tesseract }) => tesseract.terminate()).catch(() => {});
      throw error;
    }
  }

  async #giveBack(recogniser: Recogniser | undefined, isSound: boolean): Promise<void> {
    if (recogniser !== undefined && isSound && !this.#isClosed) {
      // An idle thread does not keep the process alive.
      recogniser.tesseract.worker?.unref();
      this.#idle.push(recogniser);
    } else {
      await recogniser?.tesseract.terminate();
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#leased--;
    else next();
  }
}

async function startRecogniser(languages: readonly string[]): Promise<Recogniser> {
  const { createWorker } = await importOptional('tesseract.js', () => import('tesseract.js'));
  const files = await Promise.all(languages.map(dataFileOf));
  const [first = ''] = files;
  // tesseract.js looks in one folder only; each language is a package of its own.
  const shared = files.length === 1 ? null : await mkdtemp(join(tmpdir(), 'gaffr-ocr-'));
  try {
    if (shared !== null) await Promise.all(files.map((file) => copyFile(file, join(shared, basename(file)))));
    // Without errorHandler an unreadable picture is an uncaught exception; with it recognize() rejects.
    const options = {
      langPath: shared ?? dirname(first),
      gzip: true,
      cacheMethod: 'none',
      errorHandler: () => {},
    };
    return { tesseract: await createWorker([...languages], 1, options), languages: languages.join('+') };
  } finally {
    if (shared !== null) await rm(shared, { recursive: true, force: true });
  }
}

/** @throws OrchestratorError `MISSING_PACKAGE` naming the package of the language. */
function dataFileOf(code: string): Promise<string> {
  return importOptional(`@tesseract.js-data/${code}`, () => {
    const packageFile = createRequire(import.meta.url).resolve(`@tesseract.js-data/${code}/package.json`);
    return join(dirname(packageFile), '4.0.0_best_int', `${code}.traineddata.gz`);
  });
}

async function bestReading(recogniser: Worker, picture: Uint8Array, photo: boolean): Promise<Reading> {
  const death = deathOf(recogniser);
  try {
    const first = await Promise.race([read(recogniser, picture, AUTOMATIC), death.promise]);
    if (!photo) return first;
    const second = await Promise.race([read(recogniser, picture, ONE_BLOCK), death.promise]);
    return second.substance > first.substance * CLEARLY_MORE ? second : first;
  } finally {
    death.forget();
  }
}

async function read(recogniser: Worker, picture: Uint8Array, pageMode: string): Promise<Reading> {
  await recogniser.setParameters({ tessedit_pageseg_mode: pageMode as never });
  const bytes = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength);
  const { data } = await recogniser.recognize(bytes, { rotateAuto: true }, { text: true, blocks: true });
  const found = (data.blocks ?? []).flatMap(({ paragraphs }) => paragraphs.flatMap(({ lines }) => lines));
  let substance = 0;
  for (const { text, confidence } of found.flatMap(({ words }) => words)) {
    if (confidence >= 60 && /[\p{L}\p{N}]/u.test(text)) substance += (text.length * confidence) / 100;
  }
  const lines = found.map(
    (line): TextLine => ({
      ...boxed(line),
      words: line.words.map(boxed),
    }),
  );
  return { text: data.text.trim(), confidence: data.confidence / 100, substance, lines };
}

function boxed({
  text,
  confidence,
  bbox: { x0, y0, x1, y1 },
}: {
  readonly text: string;
  readonly confidence: number;
  readonly bbox: Readonly<Record<'x0' | 'y0' | 'x1' | 'y1', number>>;
}): TextBox {
  const box = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  return { text: text.trim(), confidence: Math.round(confidence) / 100, box };
}

/** Rejects when the thread dies; tesseract.js would leave the reading pending and the error event unheard. */
function deathOf(recogniser: Worker): { readonly promise: Promise<never>; forget(): void } {
  const thread = recogniser.worker;
  let onError = (_cause: unknown) => {};
  const promise = new Promise<never>((_resolve, reject) => {
    onError = (cause) => {
      const message = `The text recogniser died: ${messageOf(cause)}; a smaller picture may help.`;
      reject(new OrchestratorError('CRASHED', message, {}, { cause }));
    };
    thread?.once('error', onError);
  });
  promise.catch(() => {});
  return { promise, forget: () => thread?.off('error', onError) };
}
