import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { specOfClientServer } from './client-servers.js';
import type { Finding } from './explain-issues.js';
import type { ServiceSpec } from './kind-schemas.js';
import type { ConfigFile } from './schema.js';

/** A service of the file, and where in the file it stands. */
export interface PlacedSpec {
  readonly spec: ServiceSpec;
  readonly path: readonly string[];
  /** Fields of a client's block that mean something before the service is made. */
  readonly envFile?: string | undefined;
}

const BUILTINS = ['vision', 'responses', 'reasoning', 'chat'] as const;

/** All services of the file by name, the built-in ones first; those that are switched off are left out. */
export function specsOf(config: ConfigFile): ReadonlyMap<string, PlacedSpec> {
  const specs = new Map<string, PlacedSpec>();
  for (const name of BUILTINS) {
    const spec = builtinSpec(name, config.builtins ?? {});
    if (spec !== null) specs.set(name, { spec, path: ['builtins', name] });
  }
  for (const [name, spec] of Object.entries(config.services ?? {})) {
    specs.set(name, { spec, path: ['services', name] });
  }
  for (const block of ['mcpServers', 'servers'] as const) {
    for (const [name, server] of Object.entries(config[block] ?? {})) {
      specs.set(name, { spec: specOfClientServer(server), path: [block, name], envFile: server.envFile });
    }
  }
  return specs;
}

function builtinSpec(
  name: (typeof BUILTINS)[number],
  builtins: NonNullable<ConfigFile['builtins']>,
): ServiceSpec | null {
  const { roots, allowPrivateHosts, [name]: given = true } = builtins;
  if (given === false) return null;
  const options = given === true ? {} : given;
  // What is said of all of them is the default of each.
  const shared = {
    ...((name === 'vision' || name === 'responses') && roots !== undefined && { roots }),
    ...(name === 'responses' && allowPrivateHosts !== undefined && { allowPrivateHosts }),
  };
  return { kind: 'builtin', name, ...shared, ...options } as ServiceSpec;
}

/**
 * The file without what is switched off (`"enabled": false`, `"disabled": true`): it is not read at all, so that a
 * variable that only it needs may be missing.
 */
export function withoutDisabled(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, block]) => {
    const holdsServices = ['services', 'mcpServers', 'servers', 'builtins'].includes(key);
    if (!holdsServices || !isRecord(block)) return [key, block] as const;
    const kept = Object.entries(block).flatMap(([name, entry]): [string, unknown][] => {
      if (!isOff(entry)) return [[name, entry]];
      return key === 'builtins' ? [[name, false]] : [];
    });
    return [key, Object.fromEntries(kept)] as const;
  });
  return Object.fromEntries(entries);
}

function isOff(entry: unknown): boolean {
  return isRecord(entry) && (entry.enabled === false || entry.disabled === true);
}

/** What the schema of one field cannot see: names that stand twice, and names of services that are not there. */
export function checkNames(config: ConfigFile): Finding[] {
  const findings: Finding[] = [];
  const blocks = { services: config.services, mcpServers: config.mcpServers, servers: config.servers };
  const takenBy = new Map<string, string>();
  for (const [block, entries] of Object.entries(blocks)) {
    for (const name of Object.keys(entries ?? {})) {
      const other = takenBy.get(name);
      if (other !== undefined) {
        const message = `there is a service "${name}" in ${other} already; give one of them another name`;
        findings.push({ path: [block, name], message });
      }
      takenBy.set(name, block);
    }
  }
  const specs = specsOf(config);
  const known = [...specs.keys()].join(', ');
  for (const { spec, path } of specs.values()) {
    if (spec.kind !== 'mcp' || spec.planner === undefined) continue;
    if (specs.get(spec.planner)?.spec.kind === 'openai') continue;
    const message = `names no service of the kind openai; got "${spec.planner}"`;
    findings.push({ path: [...path, 'planner'], message });
  }
  const { fallbackService } = config.routingConfig ?? {};
  // The default is a wish: without chat there is no fallback.
  if (fallbackService != null && fallbackService !== 'chat' && !specs.has(fallbackService)) {
    const message = `there is no service "${fallbackService}"; known: ${known}; or null for none`;
    findings.push({ path: ['routingConfig', 'fallbackService'], message });
  }
  return findings;
}

/** The spec with paths that no longer depend on a folder. Paths in a file are meant from the file's folder. */
export function anchored(spec: ServiceSpec, folder: string): ServiceSpec {
  const at = (path: string): string => anchor(path, folder);
  const roots = rootsOf(spec);
  const rooted = roots.length > 0 ? ({ ...spec, roots: roots.map(at) } as ServiceSpec) : spec;
  return withAnchoredPrograms(rooted, folder);
}

function withAnchoredPrograms(spec: ServiceSpec, folder: string): ServiceSpec {
  const at = (path: string): string => anchor(path, folder);
  switch (spec.kind) {
    case 'builtin': {
      if (spec.name !== 'responses' || spec.browser?.command === undefined) return spec;
      return { ...spec, browser: { ...spec.browser, command: program(spec.browser.command, folder) } };
    }
    case 'module': {
      const { module, execPath } = spec;
      const isAddress = /^(file|data):/i.test(module);
      return {
        ...spec,
        module: isAddress ? module : at(module),
        ...(execPath !== undefined && { execPath: program(execPath, folder) }),
      };
    }
    case 'subprocess':
      return { ...spec, command: program(spec.command, folder), cwd: at(spec.cwd ?? '.') };
    case 'mcp':
      if (spec.command === undefined) return spec;
      return { ...spec, command: program(spec.command, folder), cwd: at(spec.cwd ?? '.') };
    default:
      return spec;
  }
}

/** The folders that a service may read, of whatever kind it is. */
export function rootsOf(spec: ServiceSpec): readonly string[] {
  return 'roots' in spec ? (spec.roots ?? []) : [];
}

/** A path from a folder; `~` is the home folder. */
export function anchor(path: string, folder: string): string {
  const isHome = path === '~' || path.startsWith('~/') || path.startsWith('~\\');
  return isHome ? join(homedir(), path.slice(1)) : resolve(folder, path);
}

/** A bare name is looked up on PATH when it is started. */
function program(command: string, folder: string): string {
  return /[\\/]/.test(command) || command === '~' ? anchor(command, folder) : command;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
