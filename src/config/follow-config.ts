/**
 * Keeps a running orchestrator in step with its configuration file.
 *
 * Owns: what was last applied. Talks to: the file system, the registry. Invariants:
 * - L1 a file is applied whole or not at all: it is read, checked, allowed and all its services are made before the
 *   first of them is registered, and they are registered in one go.
 * - L2 a service whose options have not changed is not touched: it keeps its connections and its circuit.
 * - L3 one reload at a time; the last word of the file is always read.
 */

import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ExecutionConfig } from '../core/config.js';
import type { Log } from '../core/environment.js';
import { messageOf } from '../core/errors.js';
import type { Redactor } from '../core/redactor.js';
import type { ServiceInput } from '../core/service.js';
import { type BuiltService, buildServices } from './build-services.js';
import { ConfigError } from './config-error.js';
import type { LoadedConfig } from './load-config.js';

/** Editors write in several steps; a file is read once it has been quiet for this long, in milliseconds. */
const QUIET_MS = 150;

/** What of an orchestrator can be changed while it works. */
export interface FollowTarget {
  readonly registry: {
    register(name: string, service: ServiceInput, options: { readonly replace: boolean }): void;
    unregister(name: string): boolean;
  };
  setMaxParallel(maxParallel: number): unknown;
  setTimeoutSeconds(timeoutSeconds: number): unknown;
}

/** What {@link followConfig} needs. */
export interface FollowOptions {
  readonly target: FollowTarget;
  /** What is in force. */
  readonly loaded: LoadedConfig;
  readonly services: ReadonlyMap<string, BuiltService>;
  /** Reads, checks and allows the file again. @throws ConfigError when it may not be applied. */
  readonly load: () => Promise<LoadedConfig>;
  /** Files whose change means that the configuration is to be read again. */
  readonly files: readonly string[];
  /** Fields that were set elsewhere, by a flag say, and that the file does not change. */
  readonly fixed: ReadonlySet<string>;
  readonly redactor: Redactor;
  readonly log: Log;
  /** Default: {@link QUIET_MS}. */
  readonly quietMs?: number;
}

/** How a reload ended. */
export type ReloadOutcome = 'applied' | 'unchanged' | 'kept';

/** A configuration that is being followed. */
export interface FollowedConfig {
  /** Reads the file now. Never rejects: what is wrong is logged, and what was in force stays. */
  reload(): Promise<ReloadOutcome>;
  close(): void;
}

/** Applies the file again whenever it changes. */
export function followConfig(options: FollowOptions): FollowedConfig {
  const { log, quietMs = QUIET_MS } = options;
  const applied = new AppliedConfig(options);
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const reload = (): Promise<ReloadOutcome> => {
    const outcome = last.then(() => (isClosed ? 'kept' : applied.renew()));
    last = outcome;
    return outcome;
  };
  const watchers = watchFiles(options.files, log, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), quietMs);
    timer.unref();
  });
  return {
    reload,
    close() {
      isClosed = true;
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** What is in force just now. */
class AppliedConfig {
  readonly #options: FollowOptions;
  readonly #prints: Map<string, string>;
  #config: LoadedConfig['config'];

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#prints = new Map([...options.services].map(([name, { print }]) => [name, print]));
    this.#config = options.loaded.config;
  }

  async renew(): Promise<ReloadOutcome> {
    const { load, log, redactor } = this.#options;
    try {
      const loaded = await load();
      const built = await buildServices(loaded, redactor, this.#prints);
      return this.#apply(loaded, built);
    } catch (cause) {
      const isTheirs = cause instanceof ConfigError;
      const facts = isTheirs ? { reason: cause.message } : { cause };
      log.error(
        facts,
        `the configuration was not applied; what was in force stays: ${redactor.text(messageOf(cause)).split('\n')[0]}`,
      );
      return 'kept';
    }
  }

  #apply({ specs, config }: LoadedConfig, built: ReadonlyMap<string, BuiltService>): ReloadOutcome {
    const { target, log } = this.#options;
    const removed = [...this.#prints.keys()].filter((name) => !specs.has(name));
    for (const name of removed) {
      target.registry.unregister(name);
      this.#prints.delete(name);
    }
    const added = [...built.keys()].filter((name) => !this.#prints.has(name));
    const replaced = [...built.keys()].filter((name) => this.#prints.has(name));
    for (const [name, { settings, print }] of built) {
      target.registry.register(name, settings, { replace: true });
      this.#prints.set(name, print);
    }
    const { changed, needRestart } = this.#applyLimits(config);
    this.#config = config;
    if (needRestart.length > 0) {
      log.warn({ fields: needRestart }, 'these fields of the configuration need a restart');
    }
    if ([...removed, ...built.keys(), ...changed].length === 0) return 'unchanged';
    log.info({ added, replaced, removed, changed }, 'the configuration was applied');
    return 'applied';
  }

  #applyLimits(config: LoadedConfig['config']): { changed: string[]; needRestart: string[] } {
    const { target, fixed } = this.#options;
    const inPlace: Readonly<Record<string, (value: number) => unknown>> = {
      maxParallel: (value) => target.setMaxParallel(value),
      timeoutSeconds: (value) => target.setTimeoutSeconds(value),
    };
    const changed: string[] = [];
    const needRestart: string[] = [];
    // Complete, so that a field that was taken out goes back to its default.
    const [old, current] = [completeLimits(this.#config), completeLimits(config)];
    for (const part of ['taskConfig', 'routingConfig'] as const) {
      const before: Readonly<Record<string, unknown>> = old[part];
      const after: Readonly<Record<string, unknown>> = current[part];
      for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (fixed.has(field) || JSON.stringify(before[field]) === JSON.stringify(after[field])) continue;
        const value = after[field];
        const apply = inPlace[field];
        if (apply === undefined || typeof value !== 'number') needRestart.push(`${part}.${field}`);
        else {
          apply(value);
          changed.push(`${part}.${field}`);
        }
      }
    }
    for (const part of ['engine', 'routers'] as const) {
      if (JSON.stringify(this.#config[part]) !== JSON.stringify(config[part])) needRestart.push(part);
    }
    return { changed, needRestart };
  }
}

function withoutUnsaid<T extends object>(fields: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}

function completeLimits({ taskConfig, routingConfig }: LoadedConfig['config']): ExecutionConfig {
  return ExecutionConfig.complete({
    ...(taskConfig && { taskConfig: withoutUnsaid(taskConfig) }),
    ...(routingConfig && { routingConfig: withoutUnsaid(routingConfig) }),
  });
}

/** Watches folders, not files: an editor that replaces a file leaves its watcher with the old one. */
function watchFiles(files: readonly string[], log: Log, onChange: () => void): FSWatcher[] {
  const names = new Map<string, Set<string>>();
  for (const file of files) {
    const folder = dirname(file);
    names.set(folder, (names.get(folder) ?? new Set()).add(basename(file)));
  }
  return [...names].flatMap(([folder, wanted]) => {
    const onFault = (cause: unknown): void =>
      log.warn({ folder, cause }, 'changes of the configuration are not noticed; send SIGHUP to apply them');
    try {
      // Not persistent: it must not keep the process alive.
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || wanted.has(name)) onChange();
      });
      return [watcher.on('error', onFault)];
    } catch (cause) {
      // The folder of what was allowed is made when something is first allowed.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') onFault(cause);
      return [];
    }
  });
}
