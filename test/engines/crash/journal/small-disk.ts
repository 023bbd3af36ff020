import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE = '4m';

/** Says to the process inside where its disk is. */
const FOLDER = 'GAFFR_SMALL_DISK';

/** Mounts the disk at its first argument and becomes the rest. */
const MOUNT = `mount -t tmpfs -o size=${SIZE},mode=700 tmpfs "$0" && exec "$@"`;

/** Ways to see mounts that nobody else sees, and that are gone with the process: as root, and as anybody. */
const WAYS = [
  ['unshare', '-m'],
  ['unshare', '-Urm'],
] as const;

/** The small disk of this process, or undefined outside of one; the folder that it lies in goes with the process. */
export function smallDisk(): string | undefined {
  return process.env[FOLDER];
}

/**
 * Runs this program once more, with the same arguments, as a process that has a disk of 4 MB in memory.
 *
 * @returns Its exit code.
 * @throws Error when no such disk may be mounted.
 */
export async function rerunOnSmallDisk(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-crash-'));
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
    const env = { ...process.env, [FOLDER]: disk };
    const [command, ...args] = [...wayTo(disk), 'sh', '-c', MOUNT, disk, ...again];
    return await exitCodeOf(command as string, args, { stdio: 'inherit', env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function wayTo(disk: string): readonly string[] {
  const refusals: string[] = [];
  for (const way of WAYS) {
    const [command, ...args] = [...way, 'sh', '-c', MOUNT, disk, 'true'];
    const { status, stderr, error } = spawnSync(command as string, args, { encoding: 'utf8' });
    if (status === 0) return way;
    refusals.push(`${way.join(' ')}: ${(error?.message ?? stderr).trim()}`);
  }
  throw new Error(
    `--disk-full needs a small disk of its own, and none can be mounted here (${refusals.join('; ')}). It needs Linux with ` +
      'util-linux, and either root with CAP_SYS_ADMIN or user namespaces for everybody (sysctl user.max_user_namespaces above ' +
      '0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0).',
  );
}

/** Hands on what asks this process to stop, so that its folder is removed. */
function exitCodeOf(command: string, args: readonly string[], options: SpawnOptions): Promise<number> {
  const child = spawn(command, args, options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** As the disk counts. */
const PAGE_BYTES = 4096;

/** A file that takes all the room that there is. */
export class Ballast {
  readonly #folder: string;
  readonly #path: string;
  #file: number | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, 'ballast');
  }

  /** Room that is left, in bytes. */
  get roomBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }

  /** Takes what room there is at this moment. */
  fill(): void {
    this.#file ??= openSync(this.#path, 'w');
    const piece = Buffer.alloc(PAGE_BYTES);
    for (let room = this.roomBytes; room > 0 && hasWritten(this.#file, piece); room -= PAGE_BYTES);
  }

  remove(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    rmSync(this.#path, { force: true });
  }
}

function hasWritten(file: number, piece: Buffer): boolean {
  try {
    return writeSync(file, piece) === piece.length;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw cause;
  }
}
