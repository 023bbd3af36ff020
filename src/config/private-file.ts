import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file as it was read, and whose it is. */
export interface ReadFile {
  readonly text: string;
  /** Permission bits; 0 where the system has none. */
  readonly mode: number;
  /** Who else than the user and root can write to it; null when nobody can. */
  readonly writableBy: string | null;
}

const MAY_WRITE = { group: 0o020, others: 0o002 };

/**
 * Reads a file and who may write to it in one step, so that it cannot be exchanged in between.
 *
 * @throws Error of the file system, or one that says that the file is too large or no file.
 */
export async function readWithOwner(file: string, maxBytes: number): Promise<ReadFile> {
  // A pipe would wait for its writer.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes; at most ${maxBytes} are read`);
    const text = await handle.readFile('utf8');
    return { text, mode: stats.mode & 0o777, writableBy: strangerWhoCanWrite(stats) };
  } finally {
    await handle.close();
  }
}

function strangerWhoCanWrite({
  uid,
  gid,
  mode,
}: {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}): string | null {
  const { getuid, getgid } = process;
  if (getuid === undefined || getgid === undefined) return null;
  const self = getuid();
  // Root reads files of others in containers, where the user of the host owns them.
  if (self !== 0 && uid !== self && uid !== 0) return `its owner (user ${uid})`;
  if (mode & MAY_WRITE.others) return 'everybody';
  // Many systems give each user a group of their own, and let it write.
  return mode & MAY_WRITE.group && gid !== getgid() ? `its group (${gid})` : null;
}

/**
 * Writes a file that only the user can read, whole or not at all: a reader sees the old content or the new one.
 *
 * @throws Error of the file system.
 */
export async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.tmp`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(draft, 0o600);
  await rename(draft, file);
}
