import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../core/errors.js';

/** Bytes of a database that say what it is. https://www.sqlite.org/fileformat2.html#the_database_header */
const HEAD_BYTES = 100;

/** Why there can be no journal at a path; null when nothing speaks against it. Opens and makes nothing. */
export function faultOfPlace(path: string): string | null {
  try {
    if (!existsSync(path)) return faultOfFolder(dirname(path));
    const stats = statSync(path);
    if (stats.isDirectory()) return 'it is a folder';
    // A pipe would be waited for.
    if (!stats.isFile()) return 'it is no file';
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return null;
  } catch (cause) {
    return messageOf(cause);
  }
}

/** A folder that is not there is made, in the nearest one that is. */
function faultOfFolder(folder: string): string | null {
  if (!existsSync(folder)) return faultOfFolder(dirname(folder));
  if (!statSync(folder).isDirectory()) return `${folder} is no folder`;
  accessSync(folder, constants.W_OK);
  return null;
}

/**
 * Whether a file never was a journal. Damage leaves some of the marks of one, or nothing at all; and what is kept beside
 * one while it is open means that it is one. Not for a file that this process has open: to close one takes its lock away.
 */
export function isForeign(path: string): boolean {
  if (existsSync(`${path}-wal`) || existsSync(`${path}-reserve`)) return false;
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, HEAD_BYTES, 0);
  } finally {
    closeSync(file);
  }
  const isBlank = head.every((byte) => byte === 0);
  const hasFractions = head.subarray(21, 24).equals(Buffer.from([64, 32, 32]));
  const isNamed = head.includes('SQLite') || head.subarray(68, 72).equals(Buffer.from('gafr'));
  return !isBlank && !hasFractions && !isNamed;
}
