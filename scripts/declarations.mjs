/**
 * What a declaration file (`.d.ts`) holds, without its comments. TypeScript 7 has no API to ask, so it is read by the parser of
 * rolldown.
 */
import { parseSync, Visitor } from 'rolldown/utils';

/** @typedef {{ text: string, mentions: ReadonlySet<string>, start: number }} Declaration */
/** @typedef {{ module: string, name: string, isType?: boolean }} Import - Name `*` stands for the whole module. */
/**
 * @typedef {object} Module - What a declaration file holds.
 * @property {Map<string, Declaration>} declared - By name.
 * @property {Map<string, Import>} imported - By local name.
 * @property {Map<string, Import>} exported - Names that are handed on, by public name; module "" is the file itself.
 */

/** @type {any} */
const EMPTY_PROGRAM = { type: 'Program', body: [], sourceType: 'module', hashbang: null, start: 0, end: 0 };

/**
 * Reads what a declaration file declares, imports and exports.
 *
 * @param {string} code
 * @param {string} file - What to call it in errors.
 * @returns {Module}
 * @throws {Error} When it cannot be parsed, or exports without a name.
 */
export function readModule(code, file) {
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
      const declaration = /** @type {any} */ (isExported ? statement.declaration : statement);
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
    // What stands behind a comment on its line does not move.
    at = code[comment.end] === ' ' ? comment.end + 1 : comment.end;
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
