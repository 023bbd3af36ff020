/**
 * Writes the texts of `.describe()` into the declarations of dist, so that editors show them beside each option. The compiler
 * itself leaves out what stands in an inferred type.
 *
 * Each text stays on the line of its option: the maps of the declarations go by lines.
 *
 * As a command, from build.mjs: `node scripts/option-docs.mjs`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { isMain, root } from './run.mjs';

/** @typedef {Map<string, string[]>} Docs - The texts of each option by its path, `rateLimit.limit`, in their order. */
/** @typedef {{ constants: Map<string, any>, imports: Map<string, { file: string, name: string }> }} Source */

/** @type {Map<string, Source>} */
const sources = new Map();

/** Adds the texts to every declaration of a schema in dist. */
function writeOptionDocs() {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const source = join(root, 'src', file);
    if (!readFileSync(source, 'utf8').includes('.describe(')) continue;
    const declaration = join(root, 'dist', file.replace(/\.ts$/, '.d.ts'));
    writeFileSync(declaration, withOptionDocs(readFileSync(declaration, 'utf8'), source));
  }
}

/**
 * A declaration file with the texts of its schemas.
 *
 * @param {string} code
 * @param {string} source - The file of src that it was made from.
 */
export function withOptionDocs(code, source) {
  const { program } = parseSync('declaration.d.ts', code, { lang: 'dts' });
  /** @type {{ start: number, text: string }[]} */
  const comments = [];
  for (const [name, { typeAnnotation }] of constantsOf(program, 'id')) {
    /** @type {Docs} */
    const docs = new Map();
    gatherDocs({ type: 'Identifier', name }, source, '', docs, []);
    /** @type {Map<string, number[]>} */
    const places = new Map();
    if (typeAnnotation) gatherPlaces(typeAnnotation, '', places);
    for (const [path, starts] of places) {
      const all = docs.get(path) ?? [];
      // Of an option that is said twice the last one counts. The forms of a union may have options of one name: then each
      // form has its text, or none is sure.
      const texts = starts.length === 1 ? all.slice(-1) : all;
      const isOne = new Set(texts).size === 1;
      if (!isOne && texts.length !== starts.length) continue;
      for (const [at, start] of starts.entries()) comments.push({ start, text: texts[isOne ? 0 : at] ?? '' });
    }
  }
  comments.sort((one, other) => other.start - one.start);
  return comments.reduce(
    (text, { start, text: doc }) =>
      `${text.slice(0, start)}/** ${doc.replaceAll('*/', '*\\/')} */ ${text.slice(start)}`,
    code,
  );
}

/**
 * Where each option stands in a type.
 *
 * @param {any} node
 * @param {string} path
 * @param {Map<string, number[]>} places
 */
function gatherPlaces(node, path, places) {
  if (node.type === 'TSPropertySignature') {
    const inner = `${path}.${node.key.name ?? node.key.value}`;
    places.set(inner, [...(places.get(inner) ?? []), node.start]);
    if (node.typeAnnotation) gatherPlaces(node.typeAnnotation, inner, places);
    return;
  }
  for (const child of childrenOf(node)) gatherPlaces(child, path, places);
}

/**
 * Follows an expression, and the constants that it names, for the texts of options.
 *
 * @param {any} node
 * @param {string} file
 * @param {string} path
 * @param {Docs} docs
 * @param {readonly string[]} followed
 */
function gatherDocs(node, file, path, docs, followed) {
  if (node.type === 'Identifier') {
    const constant = constantOf(node.name, file);
    if (constant === undefined) return;
    const id = `${constant.file}#${constant.name}`;
    if (!followed.includes(id)) gatherDocs(constant.initial, constant.file, path, docs, [...followed, id]);
    return;
  }
  if (node.type === 'MemberExpression') return gatherDocs(node.object, file, path, docs, followed);
  if (node.type !== 'Property') {
    for (const child of childrenOf(node)) gatherDocs(child, file, path, docs, followed);
    return;
  }
  const inner = `${path}.${node.key.name ?? node.key.value}`;
  const text = textOf(node.value, file);
  if (text !== undefined) docs.set(inner, [...(docs.get(inner) ?? []), text]);
  gatherDocs(node.value, file, inner, docs, followed);
}

/**
 * The text of a schema, which is a chain of calls, with its default.
 *
 * @param {any} schema
 * @param {string} file
 * @returns {string | undefined}
 */
function textOf(schema, file) {
  const described = wordsOf(argumentOf('describe', schema), file);
  const value = argumentOf('default', schema);
  if (described === undefined || value?.type !== 'Literal' || /default/i.test(described)) return described;
  return `${described} Default: ${typeof value.value === 'number' ? value.value : value.raw}.`;
}

/**
 * What a string says, a constant inside it included.
 *
 * @param {any} node
 * @param {string} file
 * @returns {string | undefined}
 */
function wordsOf(node, file) {
  if (node?.type === 'Identifier') return wordsOf(constantOf(node.name, file)?.initial, file);
  if (node?.type !== 'TemplateLiteral') return node?.value;
  return node.quasis
    .map((/** @type {any} */ { value }, /** @type {number} */ at) =>
      at === 0 ? value.cooked : wordsOf(node.expressions[at - 1], file) + value.cooked,
    )
    .join('');
}

/**
 * What a name of a file stands for, wherever it is declared.
 *
 * @param {string} name
 * @param {string} file
 */
function constantOf(name, file) {
  const place = sourceOf(file).imports.get(name) ?? { file, name };
  const initial = sourceOf(place.file).constants.get(place.name);
  return initial && { ...place, initial };
}

/**
 * What the last call of a name was given in a chain of calls.
 *
 * @param {string} name
 * @param {any} node
 * @returns {any}
 */
function argumentOf(name, node) {
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined;
  return node.callee.property.name === name ? node.arguments[0] : argumentOf(name, node.callee.object);
}

/**
 * @param {string} file
 * @returns {Source}
 */
function sourceOf(file) {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const { program } = parseSync(file, readFileSync(file, 'utf8'), { lang: 'ts' });
  const imports = program.body.flatMap((/** @type {any} */ statement) => {
    if (statement.type !== 'ImportDeclaration' || !statement.source.value.startsWith('.')) return [];
    const from = join(dirname(file), statement.source.value.replace(/\.js$/, '.ts'));
    if (!existsSync(from)) return [];
    return statement.specifiers.flatMap((/** @type {any} */ { imported, local }) =>
      imported ? [[local.name, { file: from, name: imported.name }]] : [],
    );
  });
  const source = { constants: constantsOf(program, 'init'), imports: new Map(imports) };
  sources.set(file, source);
  return source;
}

/**
 * The constants of a module by name: what they are made from, or how they are declared.
 *
 * @param {any} program
 * @param {'init' | 'id'} part
 * @returns {Map<string, any>}
 */
function constantsOf(program, part) {
  const declarations = program.body.flatMap((/** @type {any} */ statement) => {
    const { type, declarations } = statement.declaration ?? statement;
    return type === 'VariableDeclaration' ? declarations : [];
  });
  return new Map(
    declarations
      .filter((/** @type {any} */ declaration) => declaration[part])
      .map((/** @type {any} */ declaration) => [declaration.id.name, declaration[part]]),
  );
}

/**
 * @param {any} node
 * @returns {any[]}
 */
function childrenOf(node) {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string');
}

if (isMain(import.meta.url)) writeOptionDocs();
