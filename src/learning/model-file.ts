import { randomUUID } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { learnedFileRefused } from '../core/errors.js';

/**
 * Reads a whole file.
 *
 * @throws OrchestratorError `INVALID_INPUT` when it is no plain file or longer than `mostBytes`; the error of the file
 *   system.
 */
export async function readModelFile(path: string, mostBytes: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw learnedFileRefused(path, 'it is no plain file');
    if (stats.size > mostBytes)
      throw learnedFileRefused(path, `it has ${stats.size} of at most ${mostBytes} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Replaces a file in one step: who reads it meanwhile gets the old one or the new one, never half. */
export async function writeModelFile(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    await writeFile(draft, bytes, { flag: 'wx' });
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
}
