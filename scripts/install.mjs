/**
 * Installs the packages of a folder by its lockfile, unless exactly those are installed.
 *
 * npm writes `node_modules/.package-lock.json` as the last act of an installation, whoever started it, so that file is
 * the stamp: it is missing after an installation that was cut short, and it differs from the lockfile when that changed.
 *
 * As a command: `node scripts/install.mjs test/layers` (default: the checkout itself). With `--omit=optional` behind the
 * folder its optional packages are left out.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isMain, root, run, runSteps, say } from './run.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */
/** @typedef {{ packages?: Record<string, LockedPackage> }} Lockfile */

/**
 * Installs what the lockfile of a folder asks for, development packages included; does nothing when it is there.
 *
 * @param {string} folder - A folder with package.json and package-lock.json.
 * @param {string} name - What to call it in the line on stderr.
 * @param {'include' | 'omit'} optional - What to do with optional packages.
 */
export function install(folder, name, optional = 'include') {
  const lockfile = readLockfile(join(folder, 'package-lock.json'));
  const installed = readLockfile(join(folder, 'node_modules', '.package-lock.json'));
  if (lockfile !== null && installed !== null && isInstalled(lockfile, installed)) {
    say(`${name} are installed`);
    return;
  }
  say(`installing ${name} (npm ci)`);
  // Said outright, since NODE_ENV=production or a user's settings would leave out the compiler.
  run(
    ['npm', 'ci', '--include=dev', `--${optional}=optional`, '--no-audit', '--no-fund', '--loglevel=error'],
    folder,
  );
}

/**
 * Whether an installation holds what a lockfile asks for. Optional packages may be absent: those of other platforms
 * always are.
 *
 * @param {Lockfile} lockfile
 * @param {Lockfile} installed
 */
export function isInstalled(lockfile, installed) {
  const wanted = new Map(Object.entries(lockfile.packages ?? {}).filter(([path]) => path !== ''));
  const present = new Map(Object.entries(installed.packages ?? {}).filter(([path]) => path !== ''));
  const hasAll = [...wanted].every(
    ([path, entry]) => present.has(path) || entry.optional || entry.devOptional,
  );
  return hasAll && [...present].every(([path, found]) => isSame(wanted.get(path), found));
}

/**
 * @param {LockedPackage | undefined} wanted
 * @param {LockedPackage} found
 */
function isSame(wanted, found) {
  return wanted !== undefined && wanted.version === found.version && wanted.integrity === found.integrity;
}

/**
 * @param {string} path
 * @returns {Lockfile | null} Null when there is none or it cannot be read: then npm decides, and says what is wrong.
 */
function readLockfile(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

if (isMain(import.meta.url)) {
  const [folder = '.', option] = process.argv.slice(2);
  const optional = option === '--omit=optional' ? 'omit' : 'include';
  const name = folder === '.' ? 'packages' : `packages of ${folder}`;
  runSteps(() => install(resolve(root, folder), name, optional));
}
