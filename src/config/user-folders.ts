import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Environment that says where a user's files are. */
export type UserEnvironment = Readonly<Record<string, string | undefined>>;

/** The folder of the user's own configuration of gaffr. */
export function userConfigFolder(env: UserEnvironment, platform: NodeJS.Platform = process.platform): string {
  return platform === 'win32'
    ? folderOf(env.APPDATA, 'AppData/Roaming')
    : folderOf(env.XDG_CONFIG_HOME, '.config');
}

/** The folder of what gaffr remembers about a user's files. */
export function userStateFolder(env: UserEnvironment, platform: NodeJS.Platform = process.platform): string {
  return platform === 'win32'
    ? folderOf(env.LOCALAPPDATA, 'AppData/Local')
    : folderOf(env.XDG_STATE_HOME, '.local/state');
}

/** The XDG rules say that a relative folder is none. */
function folderOf(named: string | undefined, usual: string): string {
  const base = named !== undefined && isAbsolute(named) ? named : join(homedir(), usual);
  return join(base, 'gaffr');
}
