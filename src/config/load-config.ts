import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { parseEnv } from 'node:util';
import { messageOf } from '../core/errors.js';
import { ConfigError } from './config-error.js';
import { parseConfigText } from './config-text.js';
import { checkAgainst, type Finding } from './explain-issues.js';
import { enginePermissions, type Permission, permissionsOf, routerPermissions } from './permissions.js';
import { readWithOwner } from './private-file.js';
import { resolveReferences, type VariableUse } from './references.js';
import { type ConfigFile, configFileSchema } from './schema.js';
import { isSecretVariable } from './secrets-in-config.js';
import { anchor, anchored, checkNames, type PlacedSpec, specsOf, withoutDisabled } from './specs.js';

/** Largest configuration file, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** A configuration file that was read and is right. */
export interface LoadedConfig {
  /** Its real path. */
  readonly file: string;
  /** Permission bits of the file. */
  readonly mode: number;
  readonly config: ConfigFile;
  /** Its services by name, with paths that no longer depend on a folder. */
  readonly specs: ReadonlyMap<string, PlacedSpec>;
  /** What it makes gaffr do beyond its own folder. */
  readonly permissions: readonly Permission[];
  /** Values that must not leave the process. */
  readonly secrets: readonly string[];
  /** Where secrets stand in the file itself. */
  readonly literals: readonly (readonly (string | number)[])[];
  readonly variables: readonly VariableUse[];
}

/** Where references of a file are looked up. */
export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads and checks a configuration file. Nothing in it is run or connected to.
 *
 * @throws ConfigError with everything that is wrong with it.
 */
export async function loadConfig(path: string, { env }: LoadOptions): Promise<LoadedConfig> {
  const { file, text, mode } = await readOwn(path);
  const { value, lineOf } = parseConfigText(text, path);
  const raw = withoutDisabled(value);
  const folder = dirname(file);
  const resolved = resolveReferences(raw, { env, folder, home: homedir() });
  const checked = checkAgainst(configFileSchema, resolved.value, raw);
  const faultless = 'data' in checked ? checkNames(checked.data) : checked.findings;
  const findings = [...resolved.findings, ...withoutEchoes(faultless, resolved.findings)];
  if (findings.length > 0 || !('data' in checked)) {
    const problems = findings.map((finding) => ({ ...finding, line: lineOf(finding.path) }));
    throw new ConfigError(
      path,
      problems.toSorted((a, b) => a.line - b.line),
    );
  }
  const secrets = new Set(resolved.secrets);
  const specs = new Map<string, PlacedSpec>();
  for (const [name, placed] of specsOf(checked.data)) {
    const complete = await withEnvFile(placed, { folder, file: path, secrets, lineOf });
    specs.set(name, { ...complete, spec: anchored(complete.spec, folder) });
  }
  return {
    file,
    mode,
    config: withAnchoredPaths(checked.data, folder),
    specs,
    // References change texts only, so what is right with them filled in has the same shape without.
    permissions: [
      ...permissionsOf(specsOf(raw as ConfigFile), folder),
      ...enginePermissions((raw as ConfigFile).engine, folder),
      ...routerPermissions((raw as ConfigFile).routers, folder),
    ],
    secrets: [...secrets],
    literals: resolved.literals,
    variables: resolved.variables,
  };
}

/** A relative path of the engine or of what was learned is meant from the file's folder. */
function withAnchoredPaths(config: ConfigFile, folder: string): ConfigFile {
  const { engine, routers } = config;
  return {
    ...config,
    ...(engine?.kind === 'journal' && { engine: { ...engine, path: anchor(engine.path, folder) } }),
    ...(routers?.learned !== undefined && {
      routers: { ...routers, learned: anchor(routers.learned, folder) },
    }),
  };
}

async function readOwn(path: string): Promise<{ file: string; text: string; mode: number }> {
  try {
    const file = await realpath(path);
    const { text, mode, writableBy } = await readWithOwner(file, MAX_BYTES);
    if (writableBy === null) return { file, text, mode };
    const message = `can be changed by ${writableBy}, and it says which commands run; make it yours alone: chmod go-w ${path} (and chown, if it is not yours)`;
    throw new ConfigError(path, [{ path: [], line: null, message }]);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : messageOf(cause);
    const message = `cannot be read: ${reason}; gaffr init writes one to start with`;
    throw new ConfigError(path, [{ path: [], line: null, message }], { cause });
  }
}

/** What is wrong at a place only because a variable is missing there is told once. */
function withoutEchoes(findings: readonly Finding[], told: readonly Finding[]): Finding[] {
  const places = new Set(told.map(({ path }) => JSON.stringify(path)));
  return findings.filter(({ path }) => !places.has(JSON.stringify(path)));
}

/** Variables of a file of a client's block, below those of the block itself. */
async function withEnvFile(
  placed: PlacedSpec,
  context: {
    readonly folder: string;
    readonly file: string;
    readonly secrets: Set<string>;
    readonly lineOf: (path: readonly string[]) => number;
  },
): Promise<PlacedSpec> {
  const { spec, path, envFile } = placed;
  if (envFile === undefined || spec.kind !== 'mcp') return placed;
  const { folder, file, secrets, lineOf } = context;
  const place = [...path, 'envFile'];
  let variables: NodeJS.Dict<string>;
  try {
    variables = parseEnv(await readFile(anchor(envFile, folder), 'utf8'));
  } catch (cause) {
    const message = `"${envFile}" cannot be read: ${messageOf(cause)}`;
    throw new ConfigError(file, [{ path: place, line: lineOf(place), message }], { cause });
  }
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && isSecretVariable(name)) secrets.add(value);
  }
  return { ...placed, spec: { ...spec, env: { ...variables, ...spec.env } as Record<string, string> } };
}
