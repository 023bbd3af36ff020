/**
 * Which values of a configuration are secrets: what a variable gives to a place that is not plainly harmless, and what
 * stands in the file itself under a name like a key's. And which values may be secrets, so that no message shows them.
 */

import { isSecretName } from '../core/secret-names.js';

type Path = readonly (string | number)[];

/** Fields that say where something is or what it is called; people must be able to read them in messages. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  'capabilities',
  'command',
  'cwd',
  'description',
  'examples',
  'execPath',
  'export',
  'keywords',
  'model',
  'module',
  'roots',
]);

/** Variables that every program shows. */
const PLAIN_VARIABLE =
  /^(HOME|PATH|USER|USERNAME|LOGNAME|LANG|LC_\w+|TMPDIR|TEMP|TMP|PWD|SHELL|TERM|HOSTNAME|NODE_ENV|DISPLAY|XDG_\w+|APPDATA|LOCALAPPDATA|USERPROFILE)$/;

/** A few words or a version: what is chosen out of a list, such as a region, a branch, a level. */
const PLAIN_VALUE = /^(?=.{0,20}$)[a-z]+([-_. ][a-z]+)*([-_. ]?\d{1,3}){0,3}$/i;

const ADDRESS_FIELDS: ReadonlySet<unknown> = new Set(['url', 'baseURL']);

/**
 * Whether what a variable gives to this place is a secret. To take too much for one costs a readable message, to take too
 * little costs the secret.
 *
 * @param where - The text that holds the reference, and at which offset.
 */
export function isSecretReference(
  path: Path,
  variable: { readonly name: string; readonly value: string },
  where: { readonly text: string; readonly offset: number },
): boolean {
  if (PLAIN_VARIABLE.test(variable.name)) return false;
  if (isSecretName(variable.name) || fieldsOf(path).some((part) => isSecretName(String(part)))) return true;
  if (PLAIN_VALUE.test(variable.value)) return false;
  const field = path.findLast((part) => typeof part === 'string');
  if (ADDRESS_FIELDS.has(field)) return !isHost(where);
  const parts = fieldsOf(path);
  // Below "model" of vision stand the fields of a server.
  const isPlain = (part: string | number, at: number): boolean =>
    typeof part === 'string' && PLAIN_FIELDS.has(part) && !(part === 'model' && at < parts.length - 1);
  return !parts.some(isPlain);
}

/** Whether a variable of a file of variables holds a secret. */
export function isSecretVariable(name: string): boolean {
  return !PLAIN_VARIABLE.test(name);
}

/** The part of an address that says which machine: everything up to the first slash, without the name of a user. */
function isHost({ text, offset }: { readonly text: string; readonly offset: number }): boolean {
  const isBeforePath = /^([a-z]+:\/\/[^/?#]*)?$/i.test(text.slice(0, offset));
  return isBeforePath && !/^[^/?#]*@/.test(text.slice(offset));
}

/** The secrets that stand in a text of the file itself. */
export function literalSecrets(text: string, path: Path, root: unknown): string[] {
  const field = path.findLast((part) => typeof part === 'string') ?? '';
  if (field === 'args') return ofArgument(text, path, root);
  if (ADDRESS_FIELDS.has(field)) return ofAddress(text);
  const isNamed = fieldsOf(path).some((part) => isSecretName(String(part)));
  return isNamed ? ofValue(text) : [];
}

/** Blocks whose keys are names that a person has chosen. */
const NAMED_BLOCKS: ReadonlySet<unknown> = new Set(['services', 'mcpServers', 'servers']);

/** The name of a service may be any word: what says something begins below it. */
function fieldsOf(path: Path): Path {
  return path.slice(NAMED_BLOCKS.has(path[0]) ? 2 : 1);
}

/** `Bearer abc` is the secret `abc` in a wrapping. */
function ofValue(text: string): string[] {
  const bare = /^(?:Bearer|Basic|Token|ApiKey)\s+(.+)$/i.exec(text)?.[1];
  return (bare === undefined ? [text] : [text, bare]).filter(isLiteral);
}

/** `--token abc` and `--token=abc`. */
function ofArgument(text: string, path: Path, root: unknown): string[] {
  const [, flag, value] = /^--?([\w-]+)=(.*)$/s.exec(text) ?? [];
  if (flag !== undefined && value !== undefined) return isSecretName(flag) ? ofValue(value) : [];
  const index = path.at(-1);
  if (typeof index !== 'number' || index === 0) return [];
  const before = path.slice(0, -1).reduce<unknown>((value, part) => Object(value)[part], root);
  const previous = Array.isArray(before) ? before[index - 1] : undefined;
  const isFlag = typeof previous === 'string' && /^--?[\w-]+$/.test(previous);
  return isFlag && isSecretName(previous.replace(/^-+/, '')) ? ofValue(text) : [];
}

function ofAddress(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const { username, password, searchParams } = new URL(text);
  const named = [...searchParams].flatMap(([name, value]) => (isSecretName(name) ? [value] : []));
  // A name beside a password is a name; alone it is a token.
  const credential = decodeURIComponent(password === '' ? username : password);
  return [credential, ...named].filter(isLiteral);
}

/** Parts of a path that are this long are no words. */
const SHORTEST_PATH_SECRET = 16;

/** The secrets of an address that a variable gave as a whole. */
export function secretsOfAddress(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const { pathname, searchParams } = new URL(address);
  const parts = pathname.split('/').filter((part) => part.length >= SHORTEST_PATH_SECRET);
  return [...ofAddress(address), ...searchParams.values(), ...parts];
}

/** Whether a field holds an address. */
export function isAddressField(path: Path): boolean {
  return ADDRESS_FIELDS.has(path.findLast((part) => typeof part === 'string'));
}

/** Fields that hold secrets by nature, whatever their keys are called. */
const HIDDEN_FIELD = /^(env|inheritEnv|args|headers)$|url$/i;

/** No message shows more of a text, in characters, and what says that it is a secret stands before it. */
const MOST_SHOWN = 200;

/** The word before a secret in a header. */
const WITH_SCHEME = /\b(Bearer|Basic|Token|ApiKey)\s+\S/i;

/** `name=value`, `name: value` and `--name value`. */
const NAMES = /[\w-]+(?=["']?\s*[=:])|(?<![\w-])--?[\w-]+(?=\s)/g;

/**
 * Whether a value of the file may stand in a message about it. A value that is wrong is often one that was meant for another
 * place, so its text counts as well as its place.
 */
export function mayBeShown(path: Path, value: unknown): boolean {
  const isHidden = (part: string | number): boolean =>
    HIDDEN_FIELD.test(String(part)) || isSecretName(String(part));
  return !fieldsOf(path).some(isHidden) && !(typeof value === 'string' && looksSecret(value));
}

/** Whether a text may hold a secret, wherever it stands. */
export function looksSecret(text: string): boolean {
  // Credentials in an address, however broken it is.
  const address = text.indexOf('//');
  if (address >= 0 && text.includes('@', address)) return true;
  const start = text.slice(0, MOST_SHOWN);
  return (
    WITH_SCHEME.test(start) ||
    (start.match(NAMES) ?? []).some((name) => isSecretName(name.replace(/^-+/, '')))
  );
}

/** What a variable gives is looked at where the reference is filled in. */
function isLiteral(value: string): boolean {
  return value !== '' && !value.includes('${');
}
