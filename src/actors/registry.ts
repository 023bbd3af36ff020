import { EventEmitter } from 'eventemitter3';
import { parseOrMisuse, taskConfigSchema } from '../core/config.js';
import { misuse } from '../core/errors.js';
import { type RateLimit, rateLimitSchema } from '../core/rate-limiter.js';
import type { ServiceProfile } from '../core/route.js';
import type { Service, ServiceFunction, ServiceInput, ServiceSettings } from '../core/service.js';
import { warningLog } from '../core/warning-log.js';
import { callGuarded } from './call-guarded.js';
import { closerOf } from './close-service.js';
import { misspeltFields } from './misspelt-fields.js';
import { checkSwitch, profileOf } from './service-profile.js';

/** A registered service with its settings resolved. */
export interface ServiceDefinition {
  readonly name: string;
  readonly execute: ServiceFunction;
  /** The same function for every service that is the same object; null when there is nothing to close. */
  readonly close: (() => unknown) | null;
  readonly profile: ServiceProfile;
  /** Most attempts at once; null means `maxParallel`. */
  readonly concurrency: number | null;
  readonly rateLimit: RateLimit | null;
  readonly idempotent: boolean;
  /** Limit of one attempt, in milliseconds; null means the task's. */
  readonly timeoutMs: number | null;
  /** Most further attempts; null means the task's. */
  readonly maxRetries: number | null;
}

/** What changed: `previous` is null for a fresh name, `current` for a removed one. */
export interface RegistryChange {
  readonly name: string;
  readonly previous: ServiceDefinition | null;
  readonly current: ServiceDefinition | null;
}

/**
 * The services by name, in order of registration. May change at any time: running tasks end on the service they
 * started on, waiting ones follow.
 *
 * @example registry.register('echo', (task) => task);
 */
export class ServiceRegistry {
  readonly #definitions = new Map<string, ServiceDefinition>();
  readonly #changes = new EventEmitter<{ change: [RegistryChange]; profile: [name: string] }>();
  /** By name: how to stop hearing of a service's profile. */
  readonly #unwatch = new Map<string, () => void>();

  /** @throws TypeError when an entry is no service. */
  constructor(services: Readonly<Record<string, ServiceInput>> | ReadonlyMap<string, ServiceInput> = {}) {
    const entries = services instanceof Map ? services.entries() : Object.entries(services);
    for (const [name, service] of entries) this.register(name, service);
  }

  /** Names in order of registration. */
  listServices(): string[] {
    return [...this.#definitions.keys()];
  }

  /** All services with their settings resolved, in order of registration. */
  definitions(): ServiceDefinition[] {
    return [...this.#definitions.values()];
  }

  has(name: string): boolean {
    return this.#definitions.has(name);
  }

  get(name: string): ServiceDefinition | undefined {
    return this.#definitions.get(name);
  }

  /**
   * Adds a service. A name that is taken is an error; `{ replace: true }` swaps the service: old instances end their
   * work, the waiting tasks go to the newcomer.
   *
   * @throws TypeError when the name is empty or taken, the service has no `execute`, or a field of it is not valid.
   */
  register(
    name: string,
    service: ServiceInput,
    { replace = false }: { readonly replace?: boolean } = {},
  ): void {
    if (typeof name !== 'string' || name === '') {
      throw misuse(`A service needs a name, a non-empty string; got ${JSON.stringify(name)}.`);
    }
    const previous = this.#definitions.get(name) ?? null;
    if (previous !== null && !replace) {
      throw misuse(
        `A service "${name}" is registered already; unregister it first or pass { replace: true }.`,
      );
    }
    const current = define(name, service);
    warnOfTypos(name, service);
    this.#definitions.set(name, current);
    this.#forget(name);
    this.#watch(name, service);
    this.#tell({ name, previous, current });
  }

  /** Removes a service; returns whether there was one. Its running tasks end, its waiting tasks move on. */
  unregister(name: string): boolean {
    const previous = this.#definitions.get(name);
    if (previous === undefined) return false;
    this.#definitions.delete(name);
    this.#forget(name);
    this.#tell({ name, previous, current: null });
    return true;
  }

  /** `change`: a service came or went. `profile`: what routing may know of it changed, the service itself did not. */
  on(event: 'profile', listener: (name: string) => void): this;
  on(event: 'change', listener: (change: RegistryChange) => void): this;
  on(event: 'change' | 'profile', listener: (told: never) => void): this {
    this.#changes.on(event, listener as () => void);
    return this;
  }

  off(event: 'profile', listener: (name: string) => void): this;
  off(event: 'change', listener: (change: RegistryChange) => void): this;
  off(event: 'change' | 'profile', listener: (told: never) => void): this {
    this.#changes.off(event, listener as () => void);
    return this;
  }

  /** What strategies may know of each service. */
  profiles(): ReadonlyMap<string, ServiceProfile> {
    return new Map([...this.#definitions].map(([name, { profile }]) => [name, profile]));
  }

  /** Every listener hears of the change; one that throws is reported. */
  #tell(change: RegistryChange): void {
    const onFault = (cause: unknown): void => {
      warningLog.warn({ service: change.name, cause }, 'a registry listener threw');
    };
    for (const listener of this.#changes.listeners('change')) callGuarded(() => listener(change), onFault);
  }

  /** Services may learn later what they can do, and call user code when asked to tell of it. */
  #watch(name: string, input: ServiceInput): void {
    const { service, settings } = unwrap(input);
    if (typeof service !== 'object' || typeof service.onProfileChange !== 'function') return;
    const onFault = (cause: unknown): void => {
      warningLog.warn(
        { service: name, cause },
        'a service cannot tell of changes, or a listener of them threw',
      );
    };
    const refresh = (): void => {
      const definition = this.#definitions.get(name);
      if (definition === undefined) return;
      // In place: who holds the definition knows it by identity.
      (definition as { profile: ServiceProfile }).profile = profileOf(name, service, settings);
      for (const listener of this.#changes.listeners('profile')) callGuarded(() => listener(name), onFault);
    };
    callGuarded(() => {
      const stop = service.onProfileChange?.(() => callGuarded(refresh, onFault));
      if (typeof stop === 'function') this.#unwatch.set(name, () => callGuarded(stop, onFault));
    }, onFault);
  }

  #forget(name: string): void {
    this.#unwatch.get(name)?.();
    this.#unwatch.delete(name);
  }
}

function define(name: string, input: ServiceInput): ServiceDefinition {
  const { service, settings } = unwrap(input);
  const execute = typeof service === 'function' ? service : service?.execute;
  if (typeof execute !== 'function') {
    throw misuse(`Service "${name}" needs a function execute(task, context); got ${describe(service)}.`);
  }
  const own: Partial<Service> = typeof service === 'object' ? service : {};
  const { concurrency = own.concurrency, rateLimit = own.rateLimit } = settings;
  if (
    concurrency !== undefined &&
    !(concurrency >= 1 && (Number.isInteger(concurrency) || concurrency === Number.POSITIVE_INFINITY))
  ) {
    throw misuse(
      `Service "${name}" has concurrency ${concurrency}; it must be a whole number of at least 1.`,
    );
  }
  const idempotent = settings.idempotent ?? own.idempotent;
  checkSwitch(name, 'idempotent', idempotent);
  return {
    name,
    execute: execute === service ? execute : execute.bind(service),
    close: closerOf(own),
    profile: profileOf(name, own, settings),
    concurrency: concurrency ?? null,
    rateLimit:
      rateLimit === undefined ? null : parseOrMisuse(rateLimitSchema, rateLimit, `rateLimit of "${name}"`),
    idempotent: idempotent ?? false,
    ...limitsOf(name, own, settings),
  };
}

function warnOfTypos(name: string, input: ServiceInput): void {
  const typos = misspeltFields(input).map(({ field, meant }) => `${field} (did you mean ${meant}?)`);
  if (typos.length === 0) return;
  warningLog.warn({ service: name, unknown: typos.join(', ') }, 'a service has fields that mean nothing');
}

function limitsOf(
  name: string,
  own: Partial<Service>,
  settings: Partial<ServiceSettings>,
): Pick<ServiceDefinition, 'timeoutMs' | 'maxRetries'> {
  const { timeoutSeconds = own.timeoutSeconds, maxRetries = own.maxRetries } = settings;
  const { shape } = taskConfigSchema;
  const check = (
    schema: typeof shape.timeoutSeconds | typeof shape.maxRetries,
    value: number,
    what: string,
  ) => parseOrMisuse(schema.unwrap(), value, `${what} of "${name}"`);
  return {
    timeoutMs:
      timeoutSeconds === undefined
        ? null
        : check(shape.timeoutSeconds, timeoutSeconds, 'timeoutSeconds') * 1000,
    maxRetries: maxRetries === undefined ? null : check(shape.maxRetries, maxRetries, 'maxRetries'),
  };
}

function unwrap(input: ServiceInput): {
  service: Service | ServiceFunction | undefined;
  settings: Partial<ServiceSettings>;
} {
  if (typeof input === 'object' && input !== null && 'service' in input && !('execute' in input)) {
    return { service: input.service, settings: input };
  }
  return { service: input as Service | ServiceFunction, settings: {} };
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
