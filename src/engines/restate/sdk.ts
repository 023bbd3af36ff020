import type * as sdk from '@restatedev/restate-sdk';
import { missingPackage } from '../../core/errors.js';
import { provideWithResolvers } from './promise-with-resolvers.js';

/** The SDK of Restate. */
export type Sdk = typeof sdk;

/** Loads the optional package. @throws OrchestratorError `MISSING_PACKAGE` when it is not installed. */
export async function loadSdk(
  load: () => Promise<Sdk> = () => import('@restatedev/restate-sdk'),
): Promise<Sdk> {
  provideWithResolvers();
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND')
      throw missingPackage('@restatedev/restate-sdk', cause);
    throw cause;
  }
}
