/**
 * What a configuration file makes gaffr do beyond the file's own folder: run programs and modules, talk to other
 * machines, hand variables out, read other folders. Each needs the user's word once; see `trust.ts`.
 *
 * Permissions are made from the file's own text, before `${env:NAME}` is filled in: so they can be shown, and they do not
 * change when a key does.
 */

import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { browserSchema } from '../services/builtin/responses-browser-options.js';
import { searchAddress } from '../services/builtin/responses-provider.js';
import type { ServiceSpec } from './kind-schemas.js';
import type { ConfigFile } from './schema.js';
import { anchor, type PlacedSpec, rootsOf } from './specs.js';

/** One thing that the user has to allow. */
export interface Permission {
  readonly kind: 'run' | 'connect' | 'read' | 'write';
  readonly service: string;
  /** For people, on one line and printable. */
  readonly text: string;
  /** Stands for exactly this permission; the same whatever the service is called. */
  readonly hash: string;
}

/** What needs a permission and is no service. */
export const ENGINE = 'engine';

type Facts = Readonly<Record<string, unknown>>;
interface Draft {
  readonly kind: Permission['kind'];
  readonly text: string;
  readonly facts: Facts;
}

/** What the services of a file need, in their order. */
export function permissionsOf(specs: ReadonlyMap<string, PlacedSpec>, folder: string): readonly Permission[] {
  return [...specs].flatMap(([service, { spec, envFile }]) =>
    [...foldersOutside(spec, folder), ...draftsOf(spec, envFile)].map((draft) =>
      toPermission(service, draft),
    ),
  );
}

/** What the engine of a file needs: its tasks are written where the file says, or handed to the server that it names. */
export function enginePermissions(engine: ConfigFile['engine'], folder: string): readonly Permission[] {
  if (engine?.kind === 'restate') {
    const { ingressUrl, adminUrl } = engine;
    // The default is this machine, and no word of the file.
    const named = [ingressUrl, adminUrl].filter((url) => url !== undefined);
    return named.flatMap((url) => address(url, {}).map((draft) => toPermission(ENGINE, draft)));
  }
  if (engine?.kind !== 'journal') return [];
  const wanted = anchor(engine.path, folder);
  // One that is not there yet will lie where its folder really is.
  const path = existsSync(wanted) ? realPathOf(wanted) : join(realPathOf(dirname(wanted)), basename(wanted));
  if (isInside(path, folder) && !engine.path.includes('${')) return [];
  const facts = { journal: engine.path, path };
  return [toPermission(ENGINE, { kind: 'write', text: `tasks and results to ${shown(path)}`, facts })];
}

/** What the routers of a file need: the texts of tasks go where the file says. */
export function routerPermissions(routers: ConfigFile['routers'], folder: string): readonly Permission[] {
  const { learned, ...models } = routers ?? {};
  const file = learned === undefined ? [] : filesOutside(learned, folder);
  const addresses = Object.values(models).flatMap((model) =>
    model === undefined ? [] : address(model.baseURL, { apiKey: model.apiKey, headers: model.headers }),
  );
  return [...file, ...addresses].map((draft) => toPermission('routers', draft));
}

function toPermission(service: string, { kind, text, facts }: Draft): Permission {
  const hash = createHash('sha256').update(canonical({ kind, ...facts }));
  return { kind, service, text: printable(text), hash: hash.digest('hex') };
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(join(folder, sep));
}

function draftsOf(spec: ServiceSpec, envFile: string | undefined): Draft[] {
  switch (spec.kind) {
    case 'builtin':
      return builtinAddresses(spec);
    case 'module': {
      const { module, export: name = 'default', isolate = 'none', execPath, env, inheritEnv } = spec;
      const where = { none: 'in this process', thread: 'in a thread', process: 'in a process' }[isolate];
      const words = `module ${shown(module)}, export ${shown(name)}, ${where}`;
      const by = execPath === undefined ? '' : `, run by ${shown(execPath)}`;
      const facts = { module, name, isolate, execPath, env, inheritEnv };
      return [{ kind: 'run', text: `${words}${by}${variablesText(env, inheritEnv)}`, facts }];
    }
    case 'subprocess':
      return [command(spec, undefined)];
    case 'mcp':
      return spec.command === undefined
        ? address(spec.url ?? '', { headers: spec.headers })
        : [command({ ...spec, command: spec.command }, envFile)];
    case 'http':
      return address(spec.url, { headers: spec.headers });
    case 'openai':
      return address(spec.baseURL, { headers: spec.headers, apiKey: spec.apiKey });
  }
}

function command(
  child: {
    readonly command: string;
    readonly args?: readonly string[] | undefined;
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly inheritEnv?: readonly string[] | undefined;
    readonly cwd?: string | undefined;
  },
  envFile: string | undefined,
): Draft {
  const { command: file, args = [], env, inheritEnv, cwd } = child;
  const place = cwd === undefined ? '' : `, in ${shown(cwd)}`;
  const variables = `${variablesText(env, inheritEnv)}${envFile === undefined ? '' : `, variables of ${shown(envFile)}`}`;
  return {
    kind: 'run',
    text: `${[file, ...args].map(shown).join(' ')}${place}${variables}`,
    facts: { command: file, args, env, inheritEnv, cwd, envFile },
  };
}

function variablesText(
  env: Readonly<Record<string, string>> = {},
  inheritEnv: readonly string[] | undefined,
): string {
  const own = Object.entries(env).map(([name, value]) => `${name}=${shown(value)}`);
  const inherited = inheritEnv ?? [];
  return [...own, ...inherited].length === 0 ? '' : `, with ${[...own, ...inherited].join(' ')}`;
}

/** An address on this machine needs no word, unless something secret is sent there. */
function address(url: string, sent: Facts): Draft[] {
  const variables = [...JSON.stringify([url, sent]).matchAll(/\$\{([^{}]*)\}/g)].map(([, name]) => name);
  if (variables.length === 0 && isLoopback(url)) return [];
  const names = [...new Set(variables)].map((name) => name?.replace(/^env:/, ''));
  const text = `${withoutCredentials(url)}${names.length === 0 ? '' : `, told ${names.join(', ')}`}`;
  return [{ kind: 'connect', text, facts: { url, ...sent } }];
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#@]*@/i, '$1');
}

type Builtin = Extract<ServiceSpec, { readonly kind: 'builtin' }>;

function foldersOutside(spec: ServiceSpec, folder: string): Draft[] {
  return rootsOf(spec).flatMap((root) => filesOutside(root, folder));
}

function filesOutside(root: string, folder: string): Draft[] {
  const path = realPathOf(anchor(root, folder));
  if (isInside(path, folder) && !root.includes('${')) return [];
  // A link inside the folder may lead anywhere, so what is agreed to is where it leads.
  return [{ kind: 'read', text: `files in ${shown(path)}`, facts: { root, path } }];
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there, so there is nothing to read.
    return path;
  }
}

function builtinAddresses(spec: Builtin): Draft[] {
  switch (spec.name) {
    case 'chat': {
      const { baseURL, apiKey, headers, probe = [] } = spec;
      const one = baseURL === undefined ? [] : address(baseURL, { apiKey, headers });
      return [...one, ...probe.flatMap((each) => address(each, {}))];
    }
    case 'vision': {
      if (spec.model === undefined) return [];
      const { baseURL, apiKey, headers } = spec.model;
      return address(baseURL, { apiKey, headers });
    }
    case 'responses': {
      const { allowPrivateHosts = [], search, browser } = spec;
      const hosts = allowPrivateHosts.map(
        (host): Draft => ({ kind: 'connect', text: `pages of ${shown(host)}`, facts: { host } }),
      );
      const browses = browser === undefined ? [] : [command(browserSchema.parse(browser), undefined)];
      return [
        ...hosts,
        ...browses,
        ...(search === undefined ? [] : address(searchAddress(search), { search })),
      ];
    }
    default:
      return [];
  }
}

/** A word as a shell would need it, so that it is seen where each argument ends. */
function shown(word: string): string {
  return /^[\w@%+=:,./~${}-]+$/.test(word) ? word : JSON.stringify(word);
}

/** What a terminal would act upon, or not show, is written out: nothing may hide in a line that the user agrees to. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
}

/** JSON with its keys in order and without what is undefined. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(',')}}`;
}
