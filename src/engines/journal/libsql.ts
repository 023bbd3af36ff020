import { createRequire } from 'node:module';
import type LibsqlDatabase from 'libsql';
import { missingPackage } from '../../core/errors.js';

/** A database of the optional package. */
export type Database = LibsqlDatabase.Database;

/**
 * Opens a database file. Loaded here, when a journal is opened, and without waiting: orchestrators are made in one step.
 *
 * @throws OrchestratorError `MISSING_PACKAGE` when libsql is not installed; anything else as the driver throws it.
 */
export function openDatabase(path: string): Database {
  return new (loadDriver())(path);
}

function loadDriver(): typeof LibsqlDatabase {
  try {
    return createRequire(import.meta.url)('libsql') as typeof LibsqlDatabase;
  } catch (cause) {
    // Its own binary is a package too, one per platform.
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') throw missingPackage('libsql', cause);
    throw cause;
  }
}

/** The code of a fault of SQLite, for instance `SQLITE_FULL`; an empty text for any other fault. */
export function sqliteCode(cause: unknown): string {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}
