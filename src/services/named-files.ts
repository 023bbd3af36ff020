/** Finds the files that the words of a task name. */

import { basename, extname, relative, sep } from 'node:path';
import { OrchestratorError } from '../core/errors.js';
import type { FileRoots, RootedPath } from './file-roots.js';
import { notFound } from './input-errors.js';
import { walkFiles } from './walk-files.js';

/** Directory entries looked at for "did you mean". */
const SUGGESTION_ENTRIES = 2_000;

const MOST_SUGGESTIONS = 5;

const QUOTED = /"([^"\n]+)"|'([^'\n]+)'|`([^`\n]+)`|“([^”\n]+)”|«([^»\n]+)»/gu;

/** A name with an extension that begins with a letter (so 2.5 is none), perhaps behind folders. */
const FILE_NAME = /^(?:~|\.{1,2})?[/\\]?(?:[^/\\]+[/\\])*[^/\\]*[^/\\.]\.[a-z][a-z0-9]{0,7}$/iu;

const WEB_ADDRESS = /\b(?!file:)[a-z][a-z0-9+.-]*:\/\/\S+/giu;

/** Characters of a task that are searched for names; what follows is material, not a name. */
const SEARCHED_CHARACTERS = 8_192;

/** One file that a task names: the shortest reading first, then longer ones for names with spaces. */
export interface NamedFile {
  readonly readings: readonly string[];
}

/**
 * The files named in a text: quoted ones that look like a file, and words with an extension or with folders.
 * Web addresses are none.
 */
export function filesNamedIn(task: string): NamedFile[] {
  const found: NamedFile[] = [];
  const searched = task.slice(0, SEARCHED_CHARACTERS);
  const rest = searched.replace(WEB_ADDRESS, ' ').replace(QUOTED, (whole, ...groups) => {
    const quoted = groups.slice(0, 5).find((group) => group !== undefined) as string;
    if (!looksLikeFile(quoted)) return whole;
    found.push({ readings: [quoted] });
    return ' , ';
  });
  const words = rest.split(/\s+/u).filter((word) => word !== '');
  words.forEach((word, at) => {
    const bare = word
      .replace(/^[("'`[<]+/u, '')
      .replace(/[)"'`\]>,;:!?.]+$/u, '')
      .replace(/['’]s$/u, '');
    if (!looksLikeFile(bare)) return;
    // "my invoice march.pdf" may name march.pdf or "invoice march.pdf": what exists decides.
    const before = words.slice(Math.max(0, at - 4), at).reverse();
    const readings = [bare];
    for (const earlier of before) {
      if (looksLikeFile(earlier) || /[,;:]$/u.test(earlier)) break;
      readings.push(`${earlier} ${readings.at(-1)}`);
    }
    found.push({ readings });
  });
  return found.filter(
    (file, at) => found.findIndex((other) => other.readings[0] === file.readings[0]) === at,
  );
}

/**
 * Finds a named file inside the roots, taking the first reading that exists.
 *
 * @throws OrchestratorError `OUTSIDE_ROOT`; `NOT_FOUND` with files of a similar name
 */
export async function locateNamed(
  roots: FileRoots,
  file: NamedFile,
  signal: AbortSignal,
): Promise<RootedPath> {
  const [shortest = '', ...longer] = file.readings;
  const place = await locateOrNull(roots, shortest);
  if (place !== null) return place;
  for (const reading of longer) {
    signal.throwIfAborted();
    const spaced = await locateOrNull(roots, reading);
    if (spaced !== null) return spaced;
  }
  const wanted = basename(shortest).toLowerCase();
  const similar = await suggestFiles(roots, (name) => name.toLowerCase() === wanted, signal);
  throw notFound(shortest, roots.names, similar);
}

/** Up to five files in the roots whose name pleases, as paths that {@link FileRoots.locate} takes. */
export async function suggestFiles(
  roots: FileRoots,
  pleases: (name: string) => boolean,
  signal: AbortSignal,
): Promise<string[]> {
  const found: string[] = [];
  for (const root of await roots.realRoots()) {
    for await (const file of walkFiles(root, SUGGESTION_ENTRIES)) {
      signal.throwIfAborted();
      if (pleases(file.name)) found.push(relative(root, file.path).split(sep).join('/'));
      if (found.length === MOST_SUGGESTIONS) return found;
    }
  }
  return found;
}

async function locateOrNull(roots: FileRoots, given: string): Promise<RootedPath | null> {
  try {
    return await roots.locate(given);
  } catch (error) {
    if (error instanceof OrchestratorError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

function looksLikeFile(text: string): boolean {
  if (text.length > 4_096) return false;
  return (
    text.startsWith('file://') || (FILE_NAME.test(text) && !isSpokenDot(text) && !/^[^/\\]*@/u.test(text))
  );
}

/** "e.g", "i.e" and "p.m" have a dot but name no file. */
function isSpokenDot(text: string): boolean {
  return !/[/\\]/u.test(text) && extname(text).length === 2 && text.length <= 3;
}
