/**
 * Writes the API report: the public names of every subpath with their types, as dist declares them for users.
 *
 * A type that a public one names is in the report too, exported or not, since a change of it changes what users see. Comments
 * are left out. The compiler has no API to ask, so the declarations are read by the parser of rolldown.
 *
 * As a command: `node scripts/api.mjs` writes the file; a test compares it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';
import { isMain, root } from './run.mjs';

/** Where the report is kept. */
export const REPORT = join(root, 'test', 'structure', 'api-report.md');

const HEADER = `# The public API

Made by \`npm run api\` from the declarations of \`dist\`; a test compares it. Each subpath with its names, then each declaration
once, by the file of \`src\` that it comes from. A declaration that no subpath lists is mentioned by one that is listed.
`;

/** The supervisor's inside, which `Orchestrator.actor` leads to and which is nobody's to rely on. */
const INSIDE = /\bactors[\\/]supervisor\.d\.ts$/;

/** @type {any} */
const EMPTY_PROGRAM = { type: 'Program', body: [], sourceType: 'module', hashbang: null, start: 0, end: 0 };

/** @typedef {{ file: string, name: string }} Place - A declaration: its file of dist, and its name there. */
/** @typedef {{ text: string, mentions: ReadonlySet<string>, start: number }} Declaration */
/** @typedef {{ module: string, name: string }} Import - Name \`*\` stands for the whole module. */
/**
 * @typedef {object} Module - What a declaration file holds.
 * @property {Map<string, Declaration>} declared - By name.
 * @property {Map<string, Import>} imported - By local name.
 * @property {Map<string, Import>} exported - Names that are handed on, by public name; module "" is the file itself.
 */

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

/**
 * @param {string} code
 * @param {string} file
 * @returns {Module}
 */
function readModule(code, file) {
  const { program, comments, errors } = parseSync(file, code, { lang: 'dts' });
  if (errors.length > 0) throw new Error(`${file} cannot be read: ${errors[0]?.message}`);
  /** @type {Module} */
  const module = { declared: new Map(), imported: new Map(), exported: new Map() };
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') {
      for (const specifier of statement.specifiers) {
        const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : '*';
        module.imported.set(specifier.local.name, { module: statement.source.value, name });
      }
    } else if (statement.type === 'ExportNamedDeclaration' && statement.declaration === null) {
      for (const { local, exported, exportKind } of statement.specifiers) {
        module.exported.set(nameOf(exported), {
          module: statement.source?.value ?? '',
          name: nameOf(local),
          isType: statement.exportKind === 'type' || exportKind === 'type',
        });
      }
    } else if (statement.type === 'ExportAllDeclaration' || statement.type === 'ExportDefaultDeclaration') {
      throw new Error(
        `${file} exports without a name, which the report cannot follow; name what it exports.`,
      );
    } else {
      const isExported = statement.type === 'ExportNamedDeclaration';
      const declaration = isExported ? statement.declaration : statement;
      for (const name of declaredNames(declaration)) {
        const earlier = module.declared.get(name);
        const text = textOf(code, statement, comments);
        const mentions = mentionsOf(declaration);
        // Overloads, and an interface beside a constant of the same name, are one entry.
        module.declared.set(name, {
          text: earlier === undefined ? text : `${earlier.text}\n${text}`,
          mentions: new Set([...(earlier?.mentions ?? []), ...mentions]),
          start: earlier?.start ?? statement.start,
        });
        if (isExported)
          module.exported.set(name, {
            module: '',
            name,
            isType: /^TS(Interface|TypeAlias)/.test(declaration.type),
          });
      }
    }
  }
  return module;
}

/**
 * @param {any} declaration
 * @returns {string[]}
 */
function declaredNames(declaration) {
  if (declaration.type !== 'VariableDeclaration') return [declaration.id.name];
  return declaration.declarations.map((/** @type {any} */ { id }) => id.name);
}

/**
 * The names of types and values that a declaration mentions; what it imports in place is `import:module#name`.
 *
 * @param {any} declaration
 * @returns {Set<string>}
 */
function mentionsOf(declaration) {
  /** @type {Set<string>} */
  const mentions = new Set();
  /** @param {any} expression - A name, or names with dots between them: the first one counts. */
  const add = (expression) => {
    let first = expression;
    while (first?.type === 'TSQualifiedName') first = first.left;
    while (first?.type === 'MemberExpression') first = first.object;
    if (first?.type === 'Identifier') mentions.add(first.name);
  };
  const visitor = new Visitor({
    TSTypeReference: ({ typeName }) => add(typeName),
    TSTypeQuery: ({ exprName }) => add(exprName),
    TSInterfaceHeritage: ({ expression }) => add(expression),
    TSClassImplements: ({ expression }) => add(expression),
    ClassDeclaration: ({ superClass }) => add(superClass),
    TSImportType: ({ source, qualifier }) => {
      let first = /** @type {any} */ (qualifier);
      while (first?.type === 'TSQualifiedName') first = first.left;
      mentions.add(`import:${source.value}#${first?.name ?? '*'}`);
    },
  });
  visitor.visit({ ...EMPTY_PROGRAM, body: [declaration] });
  return mentions;
}

/**
 * The text of a declaration without its comments and the empty lines that they leave.
 *
 * @param {string} code
 * @param {{ start: number, end: number }} statement
 * @param {readonly { start: number, end: number }[]} comments
 */
function textOf(code, { start, end }, comments) {
  let text = '';
  let at = start;
  for (const comment of comments.filter((each) => each.start >= start && each.end <= end)) {
    text += code.slice(at, comment.start);
    at = comment.end;
  }
  return `${text}${code.slice(at, end)}`
    .replace(/\r/g, '')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{2,}/g, '\n');
}

/**
 * @param {any} node - What stands in an import or export: a name, or a string.
 * @returns {string}
 */
function nameOf(node) {
  return node.type === 'Identifier' ? node.name : node.value;
}

if (isMain(import.meta.url)) {
  writeFileSync(REPORT, apiReport(root));
  console.log(`api: wrote ${relative(root, REPORT)}`);
}
