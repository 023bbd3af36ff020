import { opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders nobody means when they speak of their files. Names that begin with a dot are skipped as well. */
const SKIPPED_FOLDERS = new Set(['node_modules', 'bower_components', '__pycache__']);

/** A regular file met on the way. */
export interface WalkedFile {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
}

/**
 * Walks the regular files below a folder, breadth first and in order of name, so that near files come before deep ones
 * when a limit cuts the walk. Links, dot names and {@link SKIPPED_FOLDERS} are not entered; unreadable folders are
 * passed over.
 *
 * @param maxEntries - Most directory entries looked at.
 */
export async function* walkFiles(folder: string, maxEntries: number): AsyncGenerator<WalkedFile> {
  const folders = [folder];
  let seen = 0;
  for (let at = 0; at < folders.length && seen < maxEntries; at++) {
    const current = folders[at] as string;
    const entries = await entriesOf(current, maxEntries - seen);
    seen += entries.length;
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(current, entry.name);
      if (entry.isFile()) yield { path, name: entry.name };
      else if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) folders.push(path);
    }
  }
}

async function entriesOf(folder: string, most: number) {
  const entries = [];
  try {
    for await (const entry of await opendir(folder)) {
      if (entries.length === most) break;
      entries.push(entry);
    }
  } catch {
    // A folder that may not be read, or went away, holds nothing for us.
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
