import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config-error.js';
import { type LoadedConfig, loadConfig } from '../../src/config/load-config.js';

/** A folder of its own, by its real path. */
export function freshFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'gaffr-config-')));
}

/** Writes a configuration file into a folder; a value is written as JSON. */
export function writeConfig(content: unknown, folder = freshFolder()): string {
  const file = join(folder, 'gaffr.config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2), {
    mode: 0o600,
  });
  return file;
}

/** Loads a configuration that is right. */
export function load(content: unknown, env: Record<string, string> = {}): Promise<LoadedConfig> {
  return loadConfig(writeConfig(content), { env });
}

/** The faults of a configuration, as `line path: message`. */
export async function faultsOf(content: unknown, env: Record<string, string> = {}): Promise<string[]> {
  try {
    await load(content, env);
    return [];
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const lines = cause.message.split('\n').map((line) => line.trim());
    return lines.length === 1 ? [lines[0]?.replace(/^\S+gaffr\.config\.json:? /, '') ?? ''] : lines.slice(1);
  }
}
