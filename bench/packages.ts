import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** This file runs from out/bench. */
const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Installs the packages of a folder by its lockfile, unless they are there.
 *
 * @throws Error when they cannot be installed.
 */
export function installPackages(folder: string): void {
  const { status } = spawnSync(process.execPath, ['scripts/install.mjs', folder], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    throw new Error(
      `The packages of ${folder} cannot be installed; name contestants that need none by --only.`,
    );
  }
}
