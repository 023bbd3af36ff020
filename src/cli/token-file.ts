import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../core/errors.js';
import { ConfigurationError } from './exit-code.js';

/** A token and where it is kept. */
export interface KeptToken {
  readonly token: string;
  readonly path: string;
}

/** What a token may look like: the letters that an Authorization header may carry, and enough of them. */
const TOKEN = /^[A-Za-z0-9\-._~+/]{32,}=*$/;
/** Rights that a token file must not give: anything to others, writing to the group. */
const TOO_OPEN = 0o027;
/** Bytes of a file that are looked at; a token is much shorter. */
const MAX_FILE_BYTES = 4096;

/**
 * Reads the bearer token of the HTTP server, and makes one of 256 bits in a file for the owner only when there is none.
 *
 * @param path - Default: `gaffr/http-token` in the user's state folder.
 * @throws ConfigurationError when the file cannot be made or read, is open to other users, or holds no token.
 */
export async function keepToken(path: string = defaultFile()): Promise<KeptToken> {
  const file = resolve(path);
  const token = await withFile(file, async () => (await readToken(file)) ?? (await makeToken(file)));
  return { token, path: file };
}

/**
 * Reads the bearer token of a server that runs, which has made it.
 *
 * @param path - Default: as {@link keepToken}.
 * @throws ConfigurationError when there is no such file, or as {@link keepToken}.
 */
export async function findToken(path: string = defaultFile()): Promise<string> {
  const file = resolve(path);
  const token = await withFile(file, () => readToken(file));
  if (token !== undefined) return token;
  throw new ConfigurationError(
    `There is no token file ${file}; the server makes it, and says where it is: name it with --token-file.`,
  );
}

async function readToken(file: string): Promise<string | undefined> {
  // A FIFO in this place must not stop the start.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(noneWhenAbsent);
  if (handle === undefined) return undefined;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ConfigurationError(`The token file ${file} is no file.`);
    if (process.platform !== 'win32' && (stats.mode & TOO_OPEN) !== 0) {
      const mode = (stats.mode & 0o777).toString(8);
      throw new ConfigurationError(
        `Other users can reach the token file ${file} (mode ${mode}); run: chmod 600 ${file}`,
      );
    }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES, 0);
    const token = buffer.toString('utf8', 0, bytesRead).trim();
    if (TOKEN.test(token)) return token;
    throw new ConfigurationError(
      `The token file ${file} must hold one token of at least 32 letters and digits; remove it to get a fresh one.`,
    );
  } finally {
    await handle.close();
  }
}

async function makeToken(file: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(draft, `${token}\n`, { mode: 0o600, flag: 'wx' });
    // Of two servers that start at once one makes the token; neither ever sees half of it.
    await link(draft, file);
    return token;
  } catch (cause) {
    const made = isCode(cause, 'EEXIST') ? await readToken(file) : undefined;
    if (made === undefined) throw cause;
    return made;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whatever the system says of the file is a fault of the configuration. */
async function withFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    throw new ConfigurationError(`The token file ${file} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function noneWhenAbsent(cause: unknown): undefined {
  if (!isCode(cause, 'ENOENT')) throw cause;
  return undefined;
}

function isCode(cause: unknown, code: string): boolean {
  return (cause as NodeJS.ErrnoException | null)?.code === code;
}

function defaultFile(): string {
  return join(stateFolder(), 'gaffr', 'http-token');
}

function stateFolder(): string {
  const { XDG_STATE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_STATE_HOME?.startsWith('/')) return XDG_STATE_HOME;
  return process.platform === 'win32' && LOCALAPPDATA ? LOCALAPPDATA : join(homedir(), '.local', 'state');
}
