import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/**
 * The file that a command would start, found as the system finds it; null when there is none that may be run.
 *
 * @param command - A bare name, looked up on PATH, or an absolute path.
 */
export async function findProgram(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const endings = process.platform === 'win32' ? ['', ...(env.PATHEXT ?? '.EXE;.CMD').split(';')] : [''];
  const folders = /[\\/]/.test(command) ? [''] : (env.PATH ?? '').split(delimiter).filter((it) => it !== '');
  for (const folder of folders) {
    for (const ending of endings) {
      const file = folder === '' ? `${command}${ending}` : join(folder, `${command}${ending}`);
      if (await mayRun(file)) return file;
    }
  }
  return null;
}

async function mayRun(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    // Not there, or not for us: the same to whoever wants to start it.
    return false;
  }
}
