import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type BuiltService, buildServices } from '../config/build-services.js';
import type { FollowedConfig } from '../config/follow-config.js';
import type { LoadedConfig } from '../config/load-config.js';
import type { ConfigFile } from '../config/schema.js';
import { specsOf } from '../config/specs.js';
import { ExecutionConfig, type ExecutionConfigInput, type ExecutionConfigParts } from '../core/config.js';
import type { EngineOptions } from '../core/engine-config.js';
import type { Log } from '../core/environment.js';
import type { ServiceInput } from '../core/service.js';
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from '../orchestrator.js';
import type { WorkerOptions } from '../worker.js';
import { builtInStrategy } from './built-in-strategy.js';
import { asConfigurationError, findConfigFile, loadTrusted } from './config-file.js';
import { asEngineError, engineOf, restateOf } from './engine-flags.js';
import { ConfigurationError, UsageError } from './exit-code.js';
import type { Arguments } from './flags.js';
import { processRedactor } from './process-redactor.js';
import { said } from './said.js';

/** How an orchestrator is opened. */
export interface OpenOptions extends Pick<OrchestratorOptions, 'inspect'> {
  /** Whether tasks will be accepted: only then the engine of the file or the flags is opened. Default false. */
  readonly acceptsTasks?: boolean;
  /** Makes a worker of the engine `restate`, and gives the orchestrator in it. Default: none is made. */
  readonly makeWorker?: (options: WorkerOptions) => Promise<Orchestrator>;
}

/** An orchestrator, and how it is kept in step with its configuration file. */
export interface OpenedOrchestrator {
  readonly orchestrator: Orchestrator;
  /** The engine that it was opened with; undefined for the default one. */
  readonly engine: EngineOptions | undefined;
  /** Applies the file whenever it changes, from now on; null when there is no file. */
  follow(): FollowedConfig | null;
}

/**
 * Builds the orchestrator that a command line means.
 *
 * @throws UsageError, ConfigurationError as {@link openOrchestrator}.
 */
export async function createBuiltInOrchestrator(args: Arguments, log: Log): Promise<Orchestrator> {
  return (await openOrchestrator(args, log)).orchestrator;
}

/**
 * Builds an orchestrator with the services of the configuration file; without one, with the four built-in services, which
 * work offline and need no key.
 *
 * @throws UsageError for a flag with a bad value, ConfigurationError for a root that is no folder or a configuration file
 * that is wrong or not trusted.
 */
export async function openOrchestrator(
  args: Arguments,
  log: Log,
  { inspect, acceptsTasks = false, makeWorker }: OpenOptions = {},
): Promise<OpenedOrchestrator> {
  const limits = limitsOf(args);
  const builtins = await builtinsOf(args);
  const found = await findConfigFile(args);
  const load = async (file: string): Promise<LoadedConfig> => withFlags(await loadTrusted(file), builtins);
  const loaded = found === null ? null : await asConfigurationError(() => load(found.file));
  const services = await asConfigurationError(() => makeServices(loaded, builtins));
  const configured = loaded?.config ?? {};
  const config = ExecutionConfig.complete(configOf(configured, limits));
  const workers = makeWorker && { make: makeWorker, engine: restateOf(args, configured) };
  const engine = workers?.engine ?? (acceptsTasks ? engineOf(args, configured) : undefined);
  const create = async (options: OrchestratorOptions): Promise<Orchestrator> => {
    try {
      return workers === undefined
        ? createOrchestrator(options)
        : await workers.make({ ...options, engine: workers.engine });
    } catch (cause) {
      throw asEngineError(cause);
    }
  };
  const orchestrator = await create({
    services: new Map<string, ServiceInput>([...services].map(([name, { settings }]) => [name, settings])),
    strategy: await builtInStrategy(config.routingConfig, loaded?.config.routers ?? {}, log),
    config,
    log,
    ...(engine !== undefined && { engine }),
    ...(inspect !== undefined && { inspect }),
    ...(args.isSet('tracing') && {
      tracing: (await import('../inspect/tracing.js')).openTelemetryTracing(),
    }),
  });
  if (found === null || loaded === null) return { orchestrator, engine, follow: () => null };
  const { followConfig } = await import('../config/follow-config.js');
  return {
    orchestrator,
    engine,
    follow: () =>
      followConfig({
        target: orchestrator,
        loaded,
        services,
        load: () => load(found.file),
        files: [found.file, loaded.file],
        fixed: new Set(Object.keys(limits)),
        redactor: processRedactor,
        log,
      }),
  };
}

/** What the flags say of the configuration. */
type Limits = Pick<ExecutionConfigInput, 'confidenceThreshold' | 'maxParallel' | 'timeoutSeconds'>;

type Builtins = NonNullable<ConfigFile['builtins']>;

/** With no file, the services of an empty one. */
async function makeServices(
  loaded: LoadedConfig | null,
  builtins: Builtins,
): Promise<ReadonlyMap<string, BuiltService>> {
  const source = loaded ?? {
    file: 'the command line',
    specs: specsOf({ builtins: { roots: [resolve('.')], ...builtins } }),
  };
  return buildServices(source, processRedactor);
}

/** What the flags say of the built-in services. */
async function builtinsOf(args: Arguments): Promise<Builtins> {
  const allowPrivateHosts = args.texts('allow-host').map(checkHost);
  const roots = await Promise.all(args.texts('root').map(checkRoot));
  return {
    ...(roots.length > 0 && { roots }),
    ...(allowPrivateHosts.length > 0 && { allowPrivateHosts }),
  };
}

/** The file's built-in services with what the flags say instead; the default folder is the working folder. */
function withFlags(loaded: LoadedConfig, builtins: Builtins): LoadedConfig {
  const specs = [...loaded.specs].map(([name, placed]) => {
    const { spec, path } = placed;
    if (path[0] !== 'builtins' || spec.kind !== 'builtin') return [name, placed] as const;
    const { roots, allowPrivateHosts } = builtins;
    switch (spec.name) {
      case 'vision':
        return [
          name,
          { ...placed, spec: { ...spec, roots: roots ?? spec.roots ?? [resolve('.')] } },
        ] as const;
      case 'responses': {
        const hosts = allowPrivateHosts ?? spec.allowPrivateHosts;
        const fields = { roots: roots ?? spec.roots ?? [resolve('.')], allowPrivateHosts: hosts };
        return [name, { ...placed, spec: { ...spec, ...fields } }] as const;
      }
      default:
        return [name, placed] as const;
    }
  });
  return { ...loaded, specs: new Map(specs) };
}

function configOf(
  { taskConfig, routingConfig }: Pick<ConfigFile, 'taskConfig' | 'routingConfig'>,
  { confidenceThreshold, ...limits }: Limits,
): ExecutionConfigParts {
  return {
    taskConfig: said({ ...taskConfig, ...limits }),
    routingConfig: said({
      ...routingConfig,
      confidenceThreshold: confidenceThreshold ?? routingConfig?.confidenceThreshold,
    }),
  };
}

function limitsOf(args: Arguments): Limits {
  return said({
    confidenceThreshold: args.number('threshold', { least: 0, most: 1 }),
    maxParallel: args.number('max-parallel', { least: 1, isWhole: true }),
    timeoutSeconds: args.number('timeout', { above: 0 }),
  });
}

async function checkRoot(root: string): Promise<string> {
  const path = resolve(root);
  const stats = await stat(path).catch((cause) => {
    throw new ConfigurationError(`--root ${root} cannot be read; name a folder that exists.`, { cause });
  });
  if (!stats.isDirectory())
    throw new ConfigurationError(`--root ${root} is no folder; name the folder it is in.`);
  return path;
}

function checkHost(host: string): string {
  if (/^(\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(host)) return host;
  throw new UsageError(`--allow-host must be HOST:PORT, for instance 127.0.0.1:8080, not "${host}".`);
}
