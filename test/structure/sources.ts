import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src/', import.meta.url));

/** A file of src: its path from there, with slashes, and its code without comments. */
export interface Source {
  readonly path: string;
  readonly code: string;
}

/** Every TypeScript file of the given folders of src (default: all), in the order of their paths. */
export function readSources(folders: readonly string[] = ['']): Source[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(folder)))
    .sort()
    .map((path) => ({ path, code: withoutComments(readFileSync(`${src}${path}`, 'utf8')) }));
}

/** What a file imports or re-exports, statically, lazily or as types. */
export function importsOf({ code }: Source): string[] {
  const statements = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g;
  return [...code.matchAll(statements)].map(([, , specifier]) => specifier ?? '');
}

/** Lines that match, as `path: line`. */
export function linesWith(pattern: RegExp, sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, code }) =>
    code
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
}

/** Good enough for code that is formatted: a `//` after a colon belongs to an address. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<!:)\/\/.*$/gm, '');
}
