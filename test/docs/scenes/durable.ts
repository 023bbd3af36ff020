/** An application with services, in a folder where it may keep files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'gaffr-durable-'));
process.chdir(folder);

export const sendMail = (task: string) => `sent: ${task}`;
export const readPage = (task: string) => `read: ${task}`;

export async function end(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}
