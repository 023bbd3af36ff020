import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type UserEnvironment, userConfigFolder } from './user-folders.js';

/** The name of a configuration file. */
export const CONFIG_FILE_NAME = 'gaffr.config.json';

/** A configuration file, and who chose it. */
export interface FoundConfig {
  readonly file: string;
  readonly by: '--config' | 'GAFFR_CONFIG' | 'working folder' | 'user folder';
}

/**
 * The configuration file to use: the one that was named, the one of `GAFFR_CONFIG`, `gaffr.config.json` in the working
 * folder, the one in the user's configuration folder; null when there is none. One that was named is returned whether
 * it exists or not, so that a wrong name is an error and not another configuration.
 */
export async function findConfig(options: {
  readonly named: string | undefined;
  readonly env: UserEnvironment;
  readonly folder: string;
}): Promise<FoundConfig | null> {
  const { named, env, folder } = options;
  if (named !== undefined) return { file: resolve(folder, named), by: '--config' };
  const { GAFFR_CONFIG } = env;
  if (GAFFR_CONFIG) return { file: resolve(folder, GAFFR_CONFIG), by: 'GAFFR_CONFIG' };
  const places: FoundConfig[] = [
    { file: join(folder, CONFIG_FILE_NAME), by: 'working folder' },
    { file: join(userConfigFolder(env), CONFIG_FILE_NAME), by: 'user folder' },
  ];
  for (const place of places) if (await isThere(place.file)) return place;
  return null;
}

/** What cannot be looked at is there: reading it then says why. */
async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
