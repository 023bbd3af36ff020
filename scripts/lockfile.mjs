/** What a lockfile tells about the packages that users of gaffr get. */

/**
 * @typedef {object} LockedPackage
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {boolean} [devOptional]
 * @property {boolean} [hasInstallScript]
 */

/**
 * The required packages, direct or not, that run a script when they are installed.
 *
 * @param {{ packages?: Record<string, LockedPackage> }} lockfile
 * @returns {string[]} Their folders.
 */
export function installScripts(lockfile) {
  return Object.entries(lockfile.packages ?? {})
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path);
}
