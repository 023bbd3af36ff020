import type * as sdk from '@restatedev/restate-sdk';
import { missingPackage } from '../../core/errors.js';
import { provideWithResolvers } from './promise-with-resolvers.js';

/** The SDK of Restate. */
export type Sdk = typeof sdk;

/** Loads the optional package. @throws OrchestratorError `MISSING_PACKAGE` when it is not installed. */
export async function loadSdk(load?: () => Promise<Sdk>): Promise<Sdk> {
  provideWithResolvers();
  try {
    // Bundlers do not insist on a package that is awaited inside `try`.
    return load === undefined ? await import('@restatedev/restate-sdk') : await load();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // A bundle that was made without the package says MODULE_NOT_FOUND.
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
      throw missingPackage('@restatedev/restate-sdk', cause);
    throw cause;
  }
}
