import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A service as the contestants see it. */
export interface RoutedService {
  readonly name: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly examples: readonly string[];
}

/** Services, and tasks that say where they belong; null for none of them. */
export interface RoutingSet {
  readonly services: readonly RoutedService[];
  readonly test: readonly { readonly text: string; readonly service: string | null }[];
}

/** This file runs from out/bench, and in tests from bench. */
const isCompiled = import.meta.url.includes('/out/bench/');
export const root = new URL(isCompiled ? '../../../' : '../../', import.meta.url);

/** The sets of a folder that the published figures are made with; their names are the keys of its dev.json. */
const SETS_FILE = 'dev.json';

/** Our own small set. */
export function sampleSet(): RoutingSet {
  return readSet(
    JSON.parse(readFileSync(new URL('bench/data/routing-sample.json', root), 'utf8')),
    'the sample',
  );
}

/**
 * All sets of `dev.json` in a folder, by name: `{ name: { services: [{ name, examples }], test: [{ text, service }] } }`.
 *
 * @throws Error that names the file when it is not there or holds something else.
 */
export function readSets(folder: string | URL): ReadonlyMap<string, RoutingSet> {
  const path = join(typeof folder === 'string' ? folder : fileURLToPath(folder), SETS_FILE);
  if (!existsSync(path))
    throw new Error(`--data must name a folder with ${SETS_FILE}; ${path} is not there.`);
  const sets = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
  return new Map(Object.entries(sets).map(([name, set]) => [name, readSet(set, `"${name}" of ${path}`)]));
}

function readSet(value: unknown, what: string): RoutingSet {
  const { services, test } = (value ?? {}) as Partial<RoutingSet>;
  if (!Array.isArray(services) || !Array.isArray(test) || services.length === 0 || test.length === 0) {
    throw new Error(`${what} must have lists "services" and "test" that are not empty.`);
  }
  const names = new Set(services.map(({ name }) => name));
  const stray = test.find(({ service }) => service !== null && !names.has(service));
  if (stray !== undefined) throw new Error(`${what} has a task of "${stray.service}", which is no service.`);
  return { services, test };
}
