/**
 * Remembers what the user allowed.
 *
 * Owns: one private file in the user's state folder. It holds, for each configuration file by its real path, the hashes
 * of the permissions that were granted. Kept is not one hash of the file but one of each permission: a change of
 * keywords, limits or order asks for nothing, and neither does taking something out; what is added or changed is asked
 * about alone.
 *
 * Invariant: a permission counts only while nobody but the user can write to that file.
 */

import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../core/errors.js';
import { ConfigError } from './config-error.js';
import type { LoadedConfig } from './load-config.js';
import { ENGINE, type Permission } from './permissions.js';
import { readWithOwner, writePrivately } from './private-file.js';
import { type UserEnvironment, userStateFolder } from './user-folders.js';

const MAX_BYTES = 16 * 1024 * 1024;

const storeSchema = z.strictObject({
  version: z.literal(1),
  files: z.record(
    z.string(),
    z.strictObject({ permissions: z.array(z.string().regex(/^[\da-f]{64}$/)), grantedAt: z.string() }),
  ),
});
type Store = z.output<typeof storeSchema>;

const EMPTY: Store = { version: 1, files: {} };

type Subject = Pick<LoadedConfig, 'file' | 'permissions'>;

export class TrustStore {
  readonly file: string;

  constructor(env: UserEnvironment) {
    this.file = join(userStateFolder(env), 'trust.json');
  }

  /**
   * The permissions of a configuration that were never granted for this file.
   *
   * @throws ConfigError when the store cannot be read or relied on.
   */
  async missing({ file, permissions }: Subject): Promise<readonly Permission[]> {
    if (permissions.length === 0) return [];
    const store = await this.#read();
    const granted = new Set(Object.hasOwn(store.files, file) ? store.files[file]?.permissions : []);
    return permissions.filter(({ hash }) => !granted.has(hash));
  }

  /** Grants a configuration all it asks for, and nothing that it no longer asks for. @throws ConfigError as above. */
  async grant({ file, permissions }: Subject, nowMs: number): Promise<void> {
    const hashes = [...new Set(permissions.map(({ hash }) => hash))];
    const entry = { permissions: hashes, grantedAt: new Date(nowMs).toISOString() };
    await this.#write((files) => new Map(files).set(file, entry));
  }

  /** Takes back all that a configuration was granted. @throws ConfigError as above. */
  async revoke(file: string): Promise<void> {
    await this.#write((files) => new Map([...files].filter(([name]) => name !== file)));
  }

  async #read(): Promise<Store> {
    try {
      const { text, writableBy } = await readWithOwner(this.file, MAX_BYTES);
      if (writableBy !== null) throw new Error(`${writableBy} can change it: chmod go-w ${this.file}`);
      return storeSchema.parse(JSON.parse(text));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY;
      throw this.#unusable('cannot be relied on', cause);
    }
  }

  async #write(
    change: (files: ReadonlyMap<string, Store['files'][string]>) => Map<string, Store['files'][string]>,
  ): Promise<void> {
    const { files } = await this.#read();
    const changed: Store = { version: 1, files: Object.fromEntries(change(new Map(Object.entries(files)))) };
    try {
      await writePrivately(this.file, `${JSON.stringify(changed, null, 2)}\n`);
    } catch (cause) {
      throw this.#unusable('cannot be written', cause);
    }
  }

  #unusable(what: string, cause: unknown): ConfigError {
    const message = `${what}: ${messageOf(cause)}; mend or remove it, then run gaffr trust again`;
    return new ConfigError(this.file, [{ path: [], line: null, message }], { cause });
  }
}

/** What is said of a configuration that asks for more than it was granted: what it would do, and how to allow it. */
export function untrusted(file: string, missing: readonly Permission[]): ConfigError {
  const lines = missing.map(permissionLine).join('\n');
  const message = `is not trusted yet. Nothing was started. It would\n${lines}\nRead it, and if you want this: gaffr trust --config ${file}`;
  return new ConfigError(file, [{ path: [], line: null, message }]);
}

/** A permission for people, on a line of its own. */
export function permissionLine({ kind, service, text }: Permission): string {
  const does = { run: 'run', connect: 'talk to', read: 'read', write: 'write' }[kind];
  return `  ${does} ${text}  (${service === ENGINE ? service : `service ${JSON.stringify(service)}`})`;
}
