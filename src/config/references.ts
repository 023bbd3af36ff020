/**
 * Fills `${env:NAME}` in, and knows which values of a configuration are secrets.
 *
 * In `services` and everywhere else `${env:NAME}` is the only reference. In the blocks of clients their own spellings work
 * as well: `${NAME}`, `${NAME:-default}`, `${input:id}`, `${workspaceFolder}`, `${userHome}`. References in the
 * environment of a child stay as they are: they are filled in when it starts, so that the value is kept nowhere.
 */

import { pathText } from './config-error.js';
import type { Finding } from './explain-issues.js';
import { isAddressField, isSecretReference, literalSecrets, secretsOfAddress } from './secrets-in-config.js';

type Path = readonly (string | number)[];

/** Where references are looked up. */
export interface ReferenceScope {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the configuration file. */
  readonly folder: string;
  readonly home: string;
}

/** A variable that the file refers to. */
export interface VariableUse {
  readonly name: string;
  readonly path: Path;
  readonly isSet: boolean;
}

/** A configuration with its references filled in. */
export interface Resolved {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  readonly variables: readonly VariableUse[];
  /** Values that must not leave the process. */
  readonly secrets: readonly string[];
  /** Where secrets stand in the file itself instead of in a variable. */
  readonly literals: readonly Path[];
}

/** Blocks that were written for another program. */
const CLIENT_BLOCKS: ReadonlySet<unknown> = new Set(['mcpServers', 'servers']);

/** Fills references in, and reports each that leads nowhere. */
export function resolveReferences(value: unknown, scope: ReferenceScope): Resolved {
  const findings: Finding[] = [];
  const variables: VariableUse[] = [];
  const secrets = new Set<string>();
  const literals: Path[] = [];

  function walk(part: unknown, path: Path): unknown {
    if (typeof part === 'string') return resolveText(part, path);
    if (Array.isArray(part)) return part.map((each, index) => walk(each, [...path, index]));
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, walk(each, [...path, key])]));
  }

  function resolveText(text: string, path: Path): string {
    const found = literalSecrets(text, path, value);
    for (const secret of found) secrets.add(secret);
    if (found.length > 0) literals.push(path);
    const isClients = CLIENT_BLOCKS.has(path[0]);
    const pattern = isClients ? /\$\{([^{}]*)\}/g : /\$\{(env:[^{}]*)\}/g;
    const filled = text.replace(pattern, (whole, body: string, offset: number) => {
      const reference = isClients ? readClients(body) : readOwn(body);
      if (reference === null) return whole;
      if (reference.kind === 'place') return scope[reference.place];
      return fillIn(reference, path, { text, offset });
    });
    if (filled !== text && isAddressField(path) && text.startsWith('${')) {
      for (const secret of secretsOfAddress(filled)) secrets.add(secret);
    }
    return filled;
  }

  function fillIn(reference: Variable, path: Path, where: { text: string; offset: number }): string {
    const { name, fallback } = reference;
    const isValid = /^[A-Za-z_]\w*$/.test(name);
    const found = isValid && Object.hasOwn(scope.env, name) ? scope.env[name] : undefined;
    variables.push({ name, path, isSet: found !== undefined });
    if (found === undefined) {
      if (fallback !== null) return fallback;
      findings.push({ path, message: isValid ? notSet(name) : badName(name) });
      return '';
    }
    if (isSecretReference(path, { name, value: found }, where)) secrets.add(found);
    return isOfChild(path) ? `\${env:${name}}` : found;
  }

  const resolved = walk(value, []);
  return { value: resolved, findings, variables, secrets: [...secrets], literals };
}

interface Variable {
  readonly kind: 'variable';
  readonly name: string;
  /** What stands for it when it is not set; null when nothing does. */
  readonly fallback: string | null;
}
type Reference = Variable | { readonly kind: 'place'; readonly place: 'folder' | 'home' };

function readOwn(body: string): Reference {
  return { kind: 'variable', name: body.slice('env:'.length), fallback: null };
}

/** Null for what is no reference of any client, and stays a text. */
function readClients(body: string): Reference | null {
  if (body === 'workspaceFolder') return { kind: 'place', place: 'folder' };
  if (body === 'userHome') return { kind: 'place', place: 'home' };
  const input = /^input:([\w-]+)$/.exec(body)?.[1];
  if (input !== undefined) {
    return { kind: 'variable', name: input.replaceAll('-', '_').toUpperCase(), fallback: null };
  }
  const [, name, fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/.exec(body) ?? [];
  return name === undefined ? null : { kind: 'variable', name, fallback: fallback ?? null };
}

/** A variable of a child, in any of the blocks that hold services. */
function isOfChild(path: Path): boolean {
  return path.length === 4 && path[2] === 'env';
}

function notSet(name: string): string {
  return `the variable ${name} is not set; set it where gaffr is started (export ${name}=…, or "env" of the client's mcp.json)`;
}

function badName(name: string): string {
  return `"\${env:${name}}" names no variable; a name has letters, digits and _, for instance \${env:API_KEY}`;
}

/** The variables that are not set, by name, with the places that refer to them. */
export function missingVariables(variables: readonly VariableUse[]): ReadonlyMap<string, readonly string[]> {
  const missing = new Map<string, string[]>();
  for (const { name, path, isSet } of variables) {
    if (!isSet) missing.set(name, [...(missing.get(name) ?? []), pathText(path)]);
  }
  return missing;
}
