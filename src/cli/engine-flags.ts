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

/** Flags that say where a Restate server is. */
export const RESTATE_FLAGS: Flags = {
  ingress: {
    type: 'string',
    value: 'URL',
    help: 'Ingress of the Restate server (default: http://127.0.0.1:8080)',
  },
  admin: { type: 'string', value: 'URL', help: 'Its admin interface (default: http://127.0.0.1:9070)' },
  namespace: { type: 'string', value: 'NAME', help: 'What belongs together at the server (default: gaffr)' },
};

/** Flags of commands that accept tasks. They go before what the configuration file says. */
export const ENGINE_FLAGS: Flags = {
  engine: {
    type: 'string',
    value: 'local|journal|restate',
    help: 'Where accepted tasks are kept: in this process, in a file that survives it, or at a server (default: local)',
  },
  ...JOURNAL_FLAG,
  ...RESTATE_FLAGS,
  repair: { type: 'boolean', help: 'Start with a damaged journal, with what can be read of it' },
};

/**
 * The engine that the flags and the file mean; undefined for the default one.
 *
 * @throws UsageError for flags that do not go together.
 */
export function engineOf(args: Arguments, config: Pick<ConfigFile, 'engine'>): EngineOptions | undefined {
  const kind = args.text('engine');
  switch (kind) {
    case undefined:
      return saysRestate(args, config) ? restateOf(args, config) : journalOf(args, config);
    case 'local':
      refuseFlags(args, ['journal', 'repair', ...Object.keys(RESTATE_FLAGS)], kind);
      return { kind };
    case 'journal':
      return journalOf(args, config);
    case 'restate':
      return restateOf(args, config);
    default:
      throw new UsageError(`--engine must be local, journal or restate, not "${kind}".`);
  }
}

/**
 * The Restate server that the flags and the file mean.
 *
 * @throws UsageError for flags that do not go together.
 */
export function restateOf(args: Arguments, { engine }: Pick<ConfigFile, 'engine'>): EngineOptions {
  refuseFlags(args, ['journal', 'repair'], 'restate');
  const said = engine?.kind === 'restate' ? engine : undefined;
  const ingressUrl = urlOf(args, 'ingress');
  const adminUrl = urlOf(args, 'admin');
  const namespace = args.text('namespace');
  return {
    ...said,
    kind: 'restate',
    ...(ingressUrl !== undefined && { ingressUrl }),
    ...(adminUrl !== undefined && { adminUrl }),
    ...(namespace !== undefined && { namespace }),
  };
}

/** Whether a server is meant without being named as the engine. */
function saysRestate(args: Arguments, { engine }: Pick<ConfigFile, 'engine'>): boolean {
  if (Object.keys(RESTATE_FLAGS).some((flag) => isGiven(args, flag))) return true;
  return engine?.kind === 'restate' && !isGiven(args, 'journal');
}

function isGiven(args: Arguments, flag: string): boolean {
  return args.isSet(flag) || args.text(flag) !== undefined;
}

function urlOf(args: Arguments, flag: 'ingress' | 'admin'): string | undefined {
  const url = args.text(flag);
  if (url === undefined || /^https?:\/\/[^/]+\/?$/.test(url)) return url?.replace(/\/$/, '');
  throw new UsageError(`--${flag} must be an address such as http://127.0.0.1:8080, not "${url}".`);
}

/** @throws UsageError for a flag that means nothing with the engine. */
function refuseFlags(args: Arguments, flags: readonly string[], kind: string): void {
  const given = flags.find((flag) => isGiven(args, flag));
  if (given !== undefined) throw new UsageError(`--${given} means nothing with --engine ${kind}.`);
}

function journalOf(args: Arguments, { engine }: Pick<ConfigFile, 'engine'>): EngineOptions | undefined {
  const file = args.text('journal');
  const said = engine?.kind === 'journal' ? engine : undefined;
  refuseFlags(args, Object.keys(RESTATE_FLAGS), 'journal');
  if (file === '') throw new UsageError('--journal must be the name of a file, not "".');
  if (args.text('engine') === undefined && file === undefined && said === undefined) {
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

/** An engine that cannot be opened ends the command: with another code when it is only in use. */
export function asEngineError(cause: unknown): unknown {
  if (!(cause instanceof OrchestratorError)) return cause;
  return cause.code === 'JOURNAL_LOCKED'
    ? new BusyError(cause.message, { cause })
    : new ConfigurationError(cause.message, { cause });
}
