import { missingPackage } from '../core/errors.js';

/**
 * Loads an optional package on first use.
 *
 * @param packageName - The name as it stands in package.json; the error's install command names it.
 * @param load - The import or lookup itself, so that its types are kept: `() => import('tesseract.js')`.
 * @throws OrchestratorError `MISSING_PACKAGE` when the package is not installed; anything else as it was thrown.
 */
export async function importOptional<T>(packageName: string, load: () => T | Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (isNotInstalled(cause)) throw missingPackage(packageName, cause);
    throw cause;
  }
}

/** `import()` says ERR_MODULE_NOT_FOUND, `require.resolve()` says MODULE_NOT_FOUND. */
function isNotInstalled(cause: unknown): boolean {
  if (!(cause instanceof Error) || !('code' in cause)) return false;
  return cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND';
}
