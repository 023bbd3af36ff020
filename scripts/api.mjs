/**
 * Writes the API report: the public names of every subpath with their types, as dist declares them for users.
 *
 * A type that a public one names is in the report too, exported or not, since a change of it changes what users see.
 * Comments are left out.
 *
 * As a command: `node scripts/api.mjs` writes the file; a test compares it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { readModule } from './declarations.mjs';
import { isMain, root } from './run.mjs';

/** Where the report is kept. */
export const REPORT = join(root, 'test', 'structure', 'api-report.md');

const HEADER = `# The public API

Made by \`npm run api\` from the declarations of \`dist\`; a test compares it. Each subpath with its names, then each declaration
once, by the file of \`src\` that it comes from. A declaration that no subpath lists is mentioned by one that is listed.
`;

/** The supervisor's inside, which `Orchestrator.actor` leads to and which is nobody's to rely on. */
const INSIDE = /\bactors[\\/]supervisor\.d\.ts$/;

/** @typedef {{ file: string, name: string }} Place - A declaration: its file of dist, and its name there. */
/** @typedef {import('./declarations.mjs').Import} Import */
/** @typedef {import('./declarations.mjs').Module} Module */

/**
 * Reads the report out of the declarations.
 *
 * @param {string} folder - A folder with package.json and dist.
 * @returns {string}
 * @throws {Error} When an export leads nowhere.
 */
export function apiReport(folder) {
  /** @type {Map<string, Module>} */
  const modules = new Map();
  /** @param {string} file */
  const read = (file) => {
    const known = modules.get(file) ?? readModule(readFileSync(file, 'utf8'), file);
    modules.set(file, known);
    return known;
  };
  /** @type {Map<string, Set<string>>} Names to show, by file. */
  const shown = new Map();
  const sections = entriesOf(folder).map(({ specifier, file }) => {
    const names = [...publicNames(file, read)].sort(([one], [other]) => (one < other ? -1 : 1));
    for (const [, place] of names) include(place, shown, read);
    return `## ${specifier}\n\n${names.map(([name]) => `- ${name}`).join('\n')}\n`;
  });
  const files = [...shown]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([file, names]) => {
      const path = relative(join(folder, 'dist'), file).split(sep).join('/');
      return `### ${path.replace(/\.d\.ts$/, '')}\n\n\`\`\`ts\n${declarationsOf(read(file), names)}\n\`\`\`\n`;
    });
  return [HEADER, ...sections, '## Declarations\n', ...files].join('\n');
}

/** @param {string} folder */
function entriesOf(folder) {
  const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, { types }]) => ({ specifier: `${name}${subpath.slice(1)}`, file: join(folder, types) }));
}

/**
 * What a file exports; a name that is a type only says so.
 *
 * @param {string} file
 * @param {(file: string) => Module} read
 * @returns {Map<string, Place>}
 */
function publicNames(file, read) {
  return new Map(
    [...read(file).exported].map(([name, target]) => {
      const place = placeOf(file, target, read);
      if (place === null) throw new Error(`${file} exports "${name}", which leads to no declaration.`);
      return [target.isType ? `${name} (type)` : name, place];
    }),
  );
}

/**
 * Follows imports and re-exports to where a name is declared.
 *
 * @param {string} file
 * @param {Import} target
 * @param {(file: string) => Module} read
 * @returns {Place | null} Null for what another package declares, and for a module as a whole.
 */
function placeOf(file, { module, name }, read) {
  if (module !== '') {
    if (!module.startsWith('.') || name === '*') return null;
    const next = join(dirname(file), module.replace(/\.js$/, '.d.ts'));
    const handedOn = read(next).exported.get(name);
    return handedOn === undefined ? null : placeOf(next, handedOn, read);
  }
  const { declared, imported } = read(file);
  if (declared.has(name)) return { file, name };
  const source = imported.get(name);
  return source === undefined ? null : placeOf(file, source, read);
}

/**
 * Adds a declaration and all that it mentions.
 *
 * @param {Place} place
 * @param {Map<string, Set<string>>} shown
 * @param {(file: string) => Module} read
 */
function include({ file, name }, shown, read) {
  if (INSIDE.test(file)) return;
  const names = shown.get(file) ?? new Set();
  shown.set(file, names);
  const declaration = read(file).declared.get(name);
  if (names.has(name) || declaration === undefined) return;
  names.add(name);
  for (const mention of declaration.mentions) {
    const [module, inner] = mention.startsWith('import:') ? mention.slice(7).split('#') : ['', mention];
    const place = placeOf(file, { module: module ?? '', name: inner ?? '' }, read);
    if (place !== null) include(place, shown, read);
  }
}

/**
 * @param {Module} module
 * @param {ReadonlySet<string>} names
 */
function declarationsOf({ declared }, names) {
  return [...names]
    .flatMap((name) => declared.get(name) ?? [])
    .sort((one, other) => one.start - other.start)
    .map(({ text }) => text)
    .join('\n');
}

if (isMain(import.meta.url)) {
  writeFileSync(REPORT, apiReport(root));
  console.log(`api: wrote ${relative(root, REPORT)}`);
}
