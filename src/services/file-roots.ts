/**
 * The folders that services may read from.
 *
 * Owns the list of roots; talks to the file system. Invariants:
 * - L1 words before disk: a path whose text leads outside is refused before anything outside is looked at, and a link
 *   that leads outside is refused whether or not its target exists. No answer reveals what exists outside.
 * - L2 what is opened is a regular file whose real path lies inside a real root; no link, FIFO or device is followed.
 * - L3 at most `maxFileBytes` of a file are read.
 */

import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileTooLarge, invalidInput, notFound, outsideRoot } from './input-errors.js';

/** A place inside the roots. */
export interface RootedPath {
  /** As the caller gave it; what messages and results show. */
  readonly given: string;
  /** Absolute, free of links. */
  readonly realPath: string;
}

export interface FileRootsOptions {
  /** Folders, absolute or relative to the working directory; `~` is the home folder. */
  readonly roots: readonly string[];
  /** Largest file that is read, in bytes. */
  readonly maxFileBytes: number;
}

/** Links followed while looking for where a dangling path leads. */
const MAX_LINKS = 40;

export class FileRoots {
  /** As configured, for messages. */
  readonly names: readonly string[];
  readonly maxFileBytes: number;
  readonly #folders: readonly string[];

  constructor({ roots, maxFileBytes }: FileRootsOptions) {
    this.names = roots;
    this.maxFileBytes = maxFileBytes;
    this.#folders = roots.map((root) => resolve(expandHome(root)));
  }

  /**
   * Finds a file or folder inside the roots. Relative paths are tried in each root in turn.
   *
   * @throws OrchestratorError `OUTSIDE_ROOT`, `NOT_FOUND`
   */
  async locate(given: string): Promise<RootedPath> {
    if (given.includes('\0')) throw outsideRoot(given, this.names);
    const realRoots = await this.realRoots();
    const fences = [...this.#folders, ...realRoots];
    const path = plainPath(given);
    const candidates = this.#folders
      .map((folder) => resolve(folder, path))
      .filter((candidate) => fences.some((fence) => isInside(fence, candidate)));
    if (candidates.length === 0) throw outsideRoot(given, this.names);
    for (const candidate of new Set(candidates)) {
      const realPath = await realPathOf(candidate);
      const isAllowed = (place: string) => realRoots.some((root) => isInside(root, place));
      const leadsTo = realPath ?? (await whereItLeads(candidate, isAllowed, MAX_LINKS));
      if (!isAllowed(leadsTo)) throw outsideRoot(given, this.names);
      if (realPath !== null) return { given, realPath };
    }
    throw notFound(given, this.names);
  }

  /**
   * Reads a file that {@link locate} found.
   *
   * @throws OrchestratorError `INVALID_INPUT`: a folder, FIFO or device, or too large
   */
  read({ given, realPath }: RootedPath): Promise<Uint8Array> {
    return readRegularFile(realPath, given, this.maxFileBytes);
  }

  /** The roots that exist, as real paths. */
  async realRoots(): Promise<string[]> {
    const real = await Promise.all(this.#folders.map(realPathOf));
    return [...new Set(real.filter((root) => root !== null))];
  }
}

/** True when `path` is `root` or lies below it; both absolute. A text comparison: `/data-x` is not inside `/data`. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * Reads one regular file whose real path is known.
 *
 * @param shown - The path that errors show.
 * @throws OrchestratorError `INVALID_INPUT`
 */
export async function readRegularFile(
  realPath: string,
  shown: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const before = await lstat(realPath);
  if (!before.isFile()) throw notAFile(shown);
  // O_NOFOLLOW and O_NONBLOCK: the file may have been swapped for a link or a FIFO since it was looked at.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(realPath, flags);
  try {
    const opened = await handle.stat();
    const unmoved = opened.isFile() && opened.ino === before.ino && opened.dev === before.dev;
    // A folder on the way may have become a link: then the real path is no longer itself.
    if (!unmoved || (await realPathOf(realPath)) !== realPath) throw notAFile(shown);
    if (opened.size > maxBytes) throw fileTooLarge(shown, opened.size, maxBytes);
    return await readExactly(handle, opened.size);
  } finally {
    await handle.close();
  }
}

/** The size is fixed before reading, so that a growing file cannot pass the cap. */
async function readExactly(handle: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await handle.read(bytes, filled, sizeBytes - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function notAFile(shown: string): Error {
  const message = `"${shown}" is not a regular file; name a file, not a folder, pipe or device.`;
  return invalidInput('not-a-file', message, { path: shown });
}

function plainPath(given: string): string {
  if (!given.startsWith('file://')) return expandHome(given);
  try {
    return fileURLToPath(given);
  } catch {
    // Not a file address of this machine; as plain text it names nothing.
    return given;
  }
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** Null when the path cannot be followed to its end, whatever the reason: the reason itself may reveal something. */
async function realPathOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch {
    return null;
  }
}

/**
 * Where a path that has no end would be: its nearest real ancestor plus the rest, dangling links followed. Stops at the
 * first place that is not allowed.
 */
async function whereItLeads(
  path: string,
  isAllowed: (place: string) => boolean,
  linksLeft: number,
): Promise<string> {
  const parent = dirname(path);
  if (parent === path) return path;
  const realParent = (await realPathOf(parent)) ?? (await whereItLeads(parent, isAllowed, linksLeft));
  if (!isAllowed(realParent)) return realParent;
  const here = join(realParent, relative(parent, path));
  const target = linksLeft === 0 ? null : await linkTargetOf(here);
  return target === null ? here : whereItLeads(resolve(realParent, target), isAllowed, linksLeft - 1);
}

async function linkTargetOf(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch {
    return null;
  }
}
