/**
 * Searches the passages of the text files below the roots.
 *
 * Owns an index in memory, brought up to date before every search by size and time of change; talks to the file system.
 * Invariants:
 * - L1 at most `maxFiles` files, `maxIndexedBytes` in all and `maxFileBytes` each are held; what is left out is counted.
 * - L2 one refresh at a time: searches that come meanwhile share it.
 * - L3 a result is a passage of a file with its place, never an answer made of several.
 */

import { stat } from 'node:fs/promises';
import { extname, relative, sep } from 'node:path';
import MiniSearch from 'minisearch';
import { type FileRoots, isInside, readRegularFile } from '../file-roots.js';
import { walkFiles } from '../walk-files.js';
import { withAbort } from '../with-abort.js';
import { htmlToText } from './responses-page.js';
import { type Passage, passagesIn } from './responses-passages.js';

export interface PassageLimits {
  /** Most files in the index. */
  readonly maxFiles: number;
  /** Most bytes of files in the index. */
  readonly maxIndexedBytes: number;
  /** Larger files are left out. */
  readonly maxFileBytes: number;
}

/** A passage that fits. */
export interface FoundPassage {
  /** Relative to its root, with forward slashes. */
  readonly file: string;
  /** 1 for the first of the file. */
  readonly passage: number;
  /** Lines of the file on which it begins and ends, 1 for the first. Of a web page these are lines of its text. */
  readonly lines: readonly [first: number, last: number];
  /** Higher fits better; only comparable within one search, and no measure of truth. */
  readonly score: number;
  readonly text: string;
}

export interface PassageSearch {
  readonly passages: readonly FoundPassage[];
  /** What was searched. `leftOut` counts files above the limits. */
  readonly searched: { readonly files: number; readonly passages: number; readonly leftOut: number };
}

export interface SearchOptions {
  /** Absolute real path of a folder or file; null for all roots. */
  readonly within: string | null;
  /** Most passages. */
  readonly limit: number;
  /** A folder or file whose name holds this word is preferred, as "notes" in "search my notes". */
  readonly preferred: string | null;
  readonly signal: AbortSignal;
}

interface IndexedPassage {
  readonly id: number;
  readonly path: string;
  readonly file: string;
  readonly passage: number;
  readonly lines: readonly [first: number, last: number];
  readonly text: string;
}

interface IndexedFile {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ids: readonly number[];
}

const TEXT_ENDINGS = new Set(
  '.md .markdown .mdx .txt .text .rst .adoc .org .tex .json .jsonl .csv .tsv .html .htm .xml .log .yaml .yml .toml .ini'.split(
    ' ',
  ),
);

/** Written by machines: long, and nobody's notes. */
const MACHINE_FILES = new Set([
  'package-lock.json',
  'npm-shrinkwrap.json',
  'composer.lock',
  'pnpm-lock.yaml',
]);

/** Directory entries looked at in one root. */
const MAX_ENTRIES = 50_000;

const STOP_WORDS = new Set(
  'a about an and any are as at be by can did do does for from has have how i in is it its me my of on or our please should tell that the their there these they this those to was we were what when where which who why will with you your'.split(
    ' ',
  ),
);

export class PassageIndex {
  readonly #roots: FileRoots;
  readonly #limits: PassageLimits;
  readonly #files = new Map<string, IndexedFile>();
  readonly #index = new MiniSearch<IndexedPassage>({
    fields: ['text', 'file'],
    storeFields: ['path', 'file', 'passage', 'lines', 'text'],
  });
  #nextId = 0;
  #leftOut = 0;
  #refreshing: Promise<void> | null = null;

  constructor(roots: FileRoots, limits: PassageLimits) {
    this.#roots = roots;
    this.#limits = limits;
  }

  /** Finds the passages that fit best, best first; none when no word of the query occurs. */
  async search(query: string, { within, limit, preferred, signal }: SearchOptions): Promise<PassageSearch> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    await withAbort(signal, this.#refreshing);
    const isWithin = (path: string) => within === null || isInside(within, path);
    const wanted = preferred?.toLowerCase() ?? null;
    const found = this.#index.search(meaningfulWords(query), {
      boost: { file: 0.5 },
      prefix: (term) => term.length >= 4,
      fuzzy: (term) => (term.length >= 5 ? 0.2 : false),
      filter: ({ path }) => isWithin(path),
      boostDocument: (_id, _term, stored) =>
        wanted !== null && String(stored?.file).toLowerCase().includes(wanted) ? 2 : 1,
    });
    const passages = found.slice(0, limit).map(({ file, passage, lines, score, text }) => {
      return { file, passage, lines, score: Math.round(score * 100) / 100, text };
    });
    return { passages, searched: this.#searched(isWithin) };
  }

  #searched(isWithin: (path: string) => boolean): PassageSearch['searched'] {
    const files = [...this.#files].filter(([path]) => isWithin(path));
    const passages = files.reduce((sum, [, { ids }]) => sum + ids.length, 0);
    return { files: files.length, passages, leftOut: this.#leftOut };
  }

  async #refresh(): Promise<void> {
    const seen = new Set<string>();
    let indexedBytes = 0;
    let leftOut = 0;
    for (const root of await this.#roots.realRoots()) {
      for await (const { path, name } of walkFiles(root, MAX_ENTRIES)) {
        if (!TEXT_ENDINGS.has(extname(name).toLowerCase()) || MACHINE_FILES.has(name) || seen.has(path))
          continue;
        const stats = await stat(path).catch(() => null);
        if (stats === null) continue;
        const hasRoom =
          seen.size < this.#limits.maxFiles && indexedBytes + stats.size <= this.#limits.maxIndexedBytes;
        if (!hasRoom || stats.size > this.#limits.maxFileBytes) {
          leftOut++;
          continue;
        }
        seen.add(path);
        indexedBytes += stats.size;
        await this.#refreshFile(root, path, stats.size, stats.mtimeMs);
      }
    }
    for (const path of this.#files.keys()) if (!seen.has(path)) this.#forget(path);
    this.#leftOut = leftOut;
  }

  async #refreshFile(root: string, path: string, sizeBytes: number, mtimeMs: number): Promise<void> {
    const known = this.#files.get(path);
    if (known?.sizeBytes === sizeBytes && known.mtimeMs === mtimeMs) return;
    this.#forget(path);
    const file = relative(root, path).split(sep).join('/');
    const ids: number[] = [];
    for (const [at, { text, lines }] of (await this.#passagesOf(path, file)).entries()) {
      const id = this.#nextId++;
      this.#index.add({ id, path, file, passage: at + 1, lines, text });
      ids.push(id);
    }
    this.#files.set(path, { sizeBytes, mtimeMs, ids });
  }

  async #passagesOf(path: string, file: string): Promise<Passage[]> {
    try {
      const bytes = await readRegularFile(path, file, this.#limits.maxFileBytes);
      if (bytes.subarray(0, 8_192).includes(0)) return [];
      const text = new TextDecoder().decode(bytes);
      return passagesIn(/\.html?$/i.test(path) ? htmlToText(text) : text);
    } catch {
      // It went away or may not be read: one file must not spoil the search of the others.
      return [];
    }
  }

  #forget(path: string): void {
    const known = this.#files.get(path);
    if (known === undefined) return;
    this.#index.discardAll(known.ids);
    this.#files.delete(path);
  }
}

/** The query without words that occur everywhere; all of it when nothing else is left. */
function meaningfulWords(query: string): string {
  const words = query.split(/[^\p{L}\p{N}_'-]+/u).filter((word) => word !== '');
  const meaningful = words.filter((word) => !STOP_WORDS.has(word.toLowerCase()));
  return (meaningful.length === 0 ? words : meaningful).slice(0, 32).join(' ');
}
