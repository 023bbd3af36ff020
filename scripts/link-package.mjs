/** Puts the built package into a folder's packages, as if it were installed there. */
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/**
 * Links dist, and only that: a link to the checkout would make a circle, which whoever walks through the folder follows.
 *
 * @param {string} folder - A folder with its own node_modules.
 */
export function linkPackage(folder) {
  const place = join(folder, 'node_modules', 'gaffr');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(place, 'package.json'));
  symlinkSync(join(root, 'dist'), join(place, 'dist'), 'junction');
}
