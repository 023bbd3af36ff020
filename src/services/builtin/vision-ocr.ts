/**
 * Reads the text in a picture with tesseract.js, offline: the language data comes from its npm package.
 *
 * Owns the recognisers (one thread each, kept warm); talks to tesseract.js only. Invariants:
 * - I1 a recogniser reads one picture at a time; at most `maxRecognisers` live, callers beyond wait in order.
 * - I2 a recogniser whose reading failed or was given up is ended, never used again: tesseract cannot stop a reading, and
 *   its memory is not to be trusted after a fault.
 * - I3 every wait ends on the caller's signal: after an end of its thread tesseract itself would never settle.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Worker as Thread } from 'node:worker_threads';
import type { Worker as TesseractWorker } from 'tesseract.js';
import { messageOf, OrchestratorError } from '../../core/errors.js';
import { importOptional } from '../optional-package.js';
import { withAbort } from '../with-abort.js';

/** What was read in one picture. */
export interface OcrText {
  readonly text: string;
  /** 0 to 1, tesseract's mean over the words; 0 when there are none. */
  readonly confidence: number;
}

export interface OcrOptions {
  readonly signal: AbortSignal;
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
type Recogniser = TesseractWorker & { readonly worker?: Thread };

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
  async recognise(picture: Uint8Array, { signal, photo }: OcrOptions): Promise<OcrText> {
    await this.#takeTurn(signal);
    let recogniser: Recogniser | undefined;
    let isSound = false;
    try {
      recogniser = this.#idle.pop() ?? (await this.#start(signal));
      recogniser.worker?.ref();
      const reading = await withAbort(signal, bestReading(recogniser, picture, photo));
      isSound = true;
      return { text: reading.text, confidence: reading.confidence };
    } finally {
      await this.#giveBack(recogniser, isSound);
    }
  }

  /** Ends the idle threads; one at work ends with its reading or its signal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#idle.splice(0).map((recogniser) => recogniser.terminate()));
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

  async #start(signal: AbortSignal): Promise<Recogniser> {
    const starting = startRecogniser();
    try {
      return await withAbort(signal, starting);
    } catch (error) {
      // Given up while it starts: it is ended once it is there.
      starting.then((late) => late.terminate()).catch(() => {});
      throw error;
    }
  }

  async #giveBack(recogniser: Recogniser | undefined, isSound: boolean): Promise<void> {
    if (recogniser !== undefined && isSound && !this.#isClosed) {
      // An idle thread does not keep the process alive.
      recogniser.worker?.unref();
      this.#idle.push(recogniser);
    } else {
      await recogniser?.terminate();
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#leased--;
    else next();
  }
}

async function startRecogniser(): Promise<Recogniser> {
  const { createWorker } = await importOptional('tesseract.js', () => import('tesseract.js'));
  const langPath = await importOptional('@tesseract.js-data/eng', () => {
    const packageFile = createRequire(import.meta.url).resolve('@tesseract.js-data/eng/package.json');
    return join(dirname(packageFile), '4.0.0_best_int');
  });
  const options = { langPath, gzip: true, cacheMethod: 'none' };
  // Without errorHandler an unreadable picture is an uncaught exception; with it recognize() rejects.
  const recogniser: Recogniser = await createWorker('eng', 1, { ...options, errorHandler: () => {} });
  return recogniser;
}

async function bestReading(recogniser: Recogniser, picture: Uint8Array, photo: boolean): Promise<Reading> {
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

async function read(recogniser: Recogniser, picture: Uint8Array, pageMode: string): Promise<Reading> {
  await recogniser.setParameters({ tessedit_pageseg_mode: pageMode as never });
  const bytes = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength);
  const { data } = await recogniser.recognize(bytes, { rotateAuto: true }, { text: true, blocks: true });
  let substance = 0;
  for (const block of data.blocks ?? []) {
    for (const { text, confidence } of block.paragraphs.flatMap(({ lines }) =>
      lines.flatMap((line) => line.words),
    )) {
      if (confidence >= 60 && /[\p{L}\p{N}]/u.test(text)) substance += (text.length * confidence) / 100;
    }
  }
  return { text: data.text.trim(), confidence: data.confidence / 100, substance };
}

/** Rejects when the thread dies; tesseract.js would leave the reading pending and the error event unheard. */
function deathOf(recogniser: Recogniser): { readonly promise: Promise<never>; forget(): void } {
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
