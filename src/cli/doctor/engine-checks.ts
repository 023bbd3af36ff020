import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ConfigFile } from '../../config/schema.js';
import { messageOf } from '../../core/errors.js';
import { corruptPath } from '../../engines/journal/frame-table.js';
import { faultOfPlace, isForeign } from '../../engines/journal/journal-place.js';
import { RestateServer } from '../../engines/restate/restate-server.js';
import { type Check, fault, ok } from './check.js';

type EngineConfig = NonNullable<ConfigFile['engine']>;

/** How long a server is waited for, in milliseconds. */
const PATIENCE_MS = 3000;

/** Checks that the engine of a file can be opened. A journal is neither made nor locked: a process that runs may have it. */
export async function checkEngine(
  engine: EngineConfig | undefined,
  patienceMs = PATIENCE_MS,
): Promise<Check[]> {
  switch (engine?.kind) {
    case 'journal':
      return [checkJournal(engine.path)];
    case 'restate':
      return [await checkRestate(engine, patienceMs)];
    default:
      return [];
  }
}

function checkJournal(path: string): Check {
  const subject = 'engine journal';
  if (!isInstalled('libsql')) return fault(subject, 'needs the package libsql', 'npm install libsql');
  if (existsSync(corruptPath(path))) {
    const text = `${path} is damaged; its copy is ${corruptPath(path)}`;
    return fault(subject, text, 'start with --repair, or put back a copy of your own');
  }
  const why = faultOfPlace(path);
  if (why !== null) {
    const text = `${path} cannot be opened: ${why}`;
    return fault(subject, text, 'mend "engine.path"; it is a file in a folder that can be written');
  }
  if (existsSync(path) && isForeign(path)) {
    return fault(subject, `${path} is no journal`, 'mend "engine.path"; a file that is not there is made');
  }
  return ok(subject, `may write ${path}`);
}

async function checkRestate(
  { ingressUrl, adminUrl }: Extract<EngineConfig, { readonly kind: 'restate' }>,
  patienceMs: number,
): Promise<Check> {
  const subject = 'engine restate';
  const server = new RestateServer({ ingressUrl, adminUrl, timeoutMs: patienceMs });
  try {
    await server.check();
    return ok(subject, `${adminUrl} answers`);
  } catch (cause) {
    return fault(subject, messageOf(cause), 'start the server, or mend "engine.adminUrl"');
  } finally {
    await server.close();
  }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
