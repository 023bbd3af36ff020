import { resolve } from 'node:path';
import type { ConfigFile } from '../config/schema.js';
import type { EngineOptions } from '../core/engine-config.js';
import { OrchestratorError } from '../core/errors.js';
import { BusyError, ConfigurationError, UsageError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';

/** The flag that names a journal. */
export const JOURNAL_FLAG: Flags = {
  journal: {
    type: 'string',
    value: 'FILE',
    help: 'File of the journal (default: that of the configuration)',
  },
};

/** Flags of commands that accept tasks. They go before what the configuration file says. */
export const ENGINE_FLAGS: Flags = {
  engine: {
    type: 'string',
    value: 'local|journal',
    help: 'Where accepted tasks are kept: in this process, or in a file that survives it (default: local)',
  },
  ...JOURNAL_FLAG,
  repair: { type: 'boolean', help: 'Start with a damaged journal, with what can be read of it' },
};

/**
 * The engine that the flags and the file mean; undefined for the default one.
 *
 * @throws UsageError for flags that do not go together.
 */
export function engineOf(args: Arguments, config: Pick<ConfigFile, 'engine'>): EngineOptions | undefined {
  const kind = args.text('engine');
  const file = args.text('journal');
  if (kind !== undefined && kind !== 'local' && kind !== 'journal') {
    throw new UsageError(`--engine must be local or journal, not "${kind}".`);
  }
  if (kind === 'local' && file !== undefined)
    throw new UsageError('--journal means nothing with --engine local.');
  if (kind === 'local') return { kind };
  const { engine } = config;
  const said = engine?.kind === 'journal' ? engine : undefined;
  if (kind === undefined && file === undefined && said === undefined) {
    if (args.isSet('repair'))
      throw new UsageError('--repair means something only with a journal; name it by --journal FILE.');
    return engine;
  }
  const path = file === undefined ? said?.path : resolve(file);
  if (path === undefined) {
    throw new UsageError(
      '--engine journal needs a file; name it by --journal FILE, or as "engine" in gaffr.config.json.',
    );
  }
  return { ...said, kind: 'journal', path, repair: args.isSet('repair') };
}

/** A journal that cannot be opened ends the command: with another code when it is only in use. */
export function asEngineError(cause: unknown): unknown {
  if (!(cause instanceof OrchestratorError)) return cause;
  return cause.code === 'JOURNAL_LOCKED'
    ? new BusyError(cause.message, { cause })
    : new ConfigurationError(cause.message, { cause });
}
