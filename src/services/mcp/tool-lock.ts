/** Remembers which definition of each downstream tool was approved. */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import { lockUnreadable } from './mcp-errors.js';

/** Hashes of the approved definitions, by the name of the tool. */
export type ToolHashes = Readonly<Record<string, string>>;

/** Where approvals are kept. */
export interface ToolLock {
  /** Null for a server whose tools were never approved. */
  read(server: string): Promise<ToolHashes | null>;
  write(server: string, hashes: ToolHashes): Promise<void>;
}

const hashesSchema = lazySchema(() => z.record(z.string(), z.string()));
const lockSchema = lazySchema(() =>
  z.object({ version: z.literal(1), servers: z.record(z.string(), hashesSchema.schema) }),
);

/** A lock that lasts as long as this process. */
export function memoryToolLock(): ToolLock {
  const servers = new Map<string, ToolHashes>();
  return {
    read: async (server) => servers.get(server) ?? null,
    write: async (server, hashes) => void servers.set(server, hashes),
  };
}

/** Writers of one file wait for each other; by path. */
const writing = new Map<string, Promise<void>>();

/**
 * A lock in a JSON file that several services may share. It is readable by its owner only and replaced as a whole.
 *
 * Its methods throw `SERVICE_UNAVAILABLE` when the file is damaged: approvals must not be forgotten silently.
 */
export function fileToolLock(path: string): ToolLock {
  const write = async (server: string, hashes: ToolHashes): Promise<void> => {
    const { servers } = await readLock(path);
    await mkdir(dirname(path), { recursive: true });
    const text = JSON.stringify({ version: 1, servers: { ...servers, [server]: hashes } }, null, 2);
    const draft = `${path}.${process.pid}.draft`;
    await writeFile(draft, `${text}\n`, { mode: 0o600 });
    await rename(draft, path);
  };
  return {
    read: async (server) => {
      await writing.get(path);
      const { servers } = await readLock(path);
      return Object.hasOwn(servers, server) ? (servers[server] ?? null) : null;
    },
    write: (server, hashes) => {
      const mine = (writing.get(path) ?? Promise.resolve()).then(() => write(server, hashes));
      // A failure is the caller's; the next writer starts from what is in the file.
      const settled = mine
        .catch(() => {})
        .finally(() => {
          if (writing.get(path) === settled) writing.delete(path);
        });
      writing.set(path, settled);
      return mine;
    },
  };
}

async function readLock(path: string): Promise<{ servers: Record<string, ToolHashes> }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return { servers: {} };
    throw lockUnreadable(path, cause);
  }
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw lockUnreadable(path, cause);
  }
}
