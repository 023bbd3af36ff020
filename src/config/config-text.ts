import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { ConfigError, type ConfigProblem } from './config-error.js';

/** A configuration file's value, and on which line each part of it stands. */
export interface ConfigText {
  readonly value: unknown;
  /** The line of a part, from 1; of the nearest part around it when it is not there. */
  lineOf(path: readonly (string | number)[]): number;
}

/** Deeper nesting is no configuration; parsing it would exhaust the stack. */
const DEEPEST = 64;

/**
 * Parses JSON with comments and commas at the end of lists. A key that stands twice is a fault, because the first would
 * be ignored in silence, and so is `__proto__`.
 *
 * @param file - Its name, for messages.
 * @throws ConfigError with every fault of the syntax.
 */
export function parseConfigText(text: string, file: string): ConfigText {
  const json = text.replace(/^\uFEFF/, '');
  const lineAt = (offset: number): number => json.slice(0, offset).split('\n').length;
  if (nestingOf(json) > DEEPEST) {
    throw new ConfigError(file, [
      { path: [], line: null, message: `is nested deeper than ${DEEPEST} levels` },
    ]);
  }
  const errors: ParseError[] = [];
  const root = parseTree(json, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (root === undefined || first !== undefined) {
    // What follows the first fault of syntax is guesswork.
    const message = json.trim() === '' ? 'is empty; write at least {}' : `is no JSON here: ${wordsOf(first)}`;
    throw new ConfigError(file, [{ path: [], line: first ? lineAt(first.offset) : null, message }]);
  }
  const problems: ConfigProblem[] = [];
  const value = plainValue(root, [], (path, offset, message) => {
    problems.push({ path, line: lineAt(offset), message });
  });
  if (problems.length > 0) throw new ConfigError(file, problems);
  return { value, lineOf: (path) => lineAt(offsetOf(root, path)) };
}

/** `CloseBraceExpected` → `close brace expected`. */
function wordsOf(error: ParseError | undefined): string {
  const name = error === undefined ? 'ValueExpected' : printParseErrorCode(error.error);
  return name.replace(/(?<!^)([A-Z])/g, ' $1').toLowerCase();
}

function nestingOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const letter of json) {
    if (letter === '{' || letter === '[') deepest = Math.max(deepest, ++depth);
    else if (letter === '}' || letter === ']') depth -= 1;
  }
  return deepest;
}

type Path = readonly (string | number)[];

function plainValue(
  node: Node,
  path: Path,
  tell: (path: Path, offset: number, message: string) => void,
): unknown {
  const { type, children = [] } = node;
  if (type === 'array') return children.map((child, index) => plainValue(child, [...path, index], tell));
  if (type !== 'object') return node.value;
  const entries = new Map<string, unknown>();
  for (const { children: [key, part] = [], offset } of children) {
    if (key === undefined || part === undefined) continue;
    const name: string = key.value;
    const place = [...path, name];
    if (name === '__proto__') tell(place, offset, 'this key cannot be used; choose another name');
    else if (entries.has(name)) tell(place, offset, `the key "${name}" stands here a second time; keep one`);
    else entries.set(name, plainValue(part, place, tell));
  }
  return Object.fromEntries(entries);
}

function offsetOf(root: Node, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, [...path.slice(0, length)]);
    // The key says where a part begins.
    if (node !== undefined) return node.parent?.type === 'property' ? node.parent.offset : node.offset;
  }
  return root.offset;
}
