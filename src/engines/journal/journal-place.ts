import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../core/errors.js';

/** Why there can be no journal at a path; null when nothing speaks against it. Opens and makes nothing. */
export function faultOfPlace(path: string): string | null {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return faultOfFolder(dirname(path));
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
