import { parseOrMisuse } from '../core/config.js';
import type { Engine } from '../core/engine.js';
import { type EngineOptions, engineOptionsSchema } from '../core/engine-config.js';
import type { Log } from '../core/environment.js';
import { Journal } from './journal/journal.js';
import { JournalEngine } from './journal/journal-engine.js';
import { localEngine } from './local-engine.js';
import { RestateEngine } from './restate/restate-engine.js';

/**
 * Opens an engine; one that is given ready is taken as it is.
 *
 * @throws TypeError for options that are not valid.
 * @throws OrchestratorError `MISSING_PACKAGE`, and `JOURNAL_LOCKED`, `JOURNAL_CORRUPT` or `JOURNAL_FAILED` for a file that
 * cannot be used.
 */
export function openEngine(given: EngineOptions | Engine | undefined, log: Log): Engine {
  if (given === undefined) return localEngine;
  if ('start' in given) return given;
  const options = parseOrMisuse(engineOptionsSchema, given, 'engine');
  switch (options.kind) {
    case 'local':
      return localEngine;
    case 'journal':
      return new JournalEngine(Journal.open(options, log), log);
    case 'restate':
      return new RestateEngine(options, log);
  }
}
