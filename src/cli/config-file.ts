import { type FoundConfig, findConfig } from '../config/find-config.js';
import type { LoadedConfig } from '../config/load-config.js';
import { ConfigurationError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';
import { processRedactor } from './process-redactor.js';

export const CONFIG_FLAG: Flags = {
  config: {
    type: 'string',
    value: 'FILE',
    help: 'Configuration file (default: $GAFFR_CONFIG, ./gaffr.config.json, the one in your configuration folder)',
  },
  'no-config': { type: 'boolean', help: 'Use no configuration file at all' },
};

/** The configuration file that a command line means, or null when there is none or none is wanted. */
export async function findConfigFile(args: Arguments): Promise<FoundConfig | null> {
  if (args.isSet('no-config')) return null;
  return findConfig({ named: args.text('config'), env: process.env, folder: process.cwd() });
}

/**
 * Reads a configuration file, whether it is trusted or not. Its secrets are known to the redactor from then on.
 *
 * @throws ConfigurationError saying everything that is wrong with the file.
 */
export async function readConfigFile(file: string): Promise<LoadedConfig> {
  return asConfigurationError(async () => {
    const { loadConfig } = await import('../config/load-config.js');
    const loaded = await loadConfig(file, { env: process.env });
    for (const secret of loaded.secrets) processRedactor.add(secret);
    return loaded;
  });
}

/**
 * Reads a configuration file and sees that all it asks for was allowed.
 *
 * @throws ConfigError as loadConfig, and one that shows what was not allowed.
 */
export async function loadTrusted(file: string): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load-config.js');
  const { TrustStore, untrusted } = await import('../config/trust.js');
  const loaded = await loadConfig(file, { env: process.env });
  for (const secret of loaded.secrets) processRedactor.add(secret);
  const missing = await new TrustStore(process.env).missing(loaded);
  if (missing.length > 0) throw untrusted(file, missing);
  return loaded;
}

/** Faults of the file end the command with {@link EXIT.configuration}. */
export async function asConfigurationError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { ConfigError } = await import('../config/config-error.js');
    if (cause instanceof ConfigError) {
      throw new ConfigurationError(processRedactor.text(cause.message), { cause });
    }
    throw cause;
  }
}
