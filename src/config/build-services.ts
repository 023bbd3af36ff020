import { messageOf } from '../core/errors.js';
import type { Redactor } from '../core/redactor.js';
import type { Service, ServiceSettings } from '../core/service.js';
import { redactedService } from '../services/redacted-service.js';
import { type CommonFields, splitFields } from './common-fields.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import type { ServiceSpec } from './kind-schemas.js';
import { KINDS, type KindContext } from './kinds.js';
import type { LoadedConfig } from './load-config.js';

/** A service that was made from the file, ready to be registered. */
export interface BuiltService {
  readonly settings: ServiceSettings;
  /** The same for the same options: a service whose print has not changed need not be made again. */
  readonly print: string;
}

/** What is needed of a file to make its services. */
export type Buildable = Pick<LoadedConfig, 'file' | 'specs'>;

/**
 * Makes the services of a file by name, in their order. Nothing is started or connected: services do that at their first
 * task.
 *
 * @param known - Prints of services that exist already; those are left out.
 * @throws ConfigError naming every service whose options do not go together; those made so far are closed.
 */
export async function buildServices(
  { file, specs }: Buildable,
  redactor: Redactor,
  known: ReadonlyMap<string, string> = new Map(),
): Promise<ReadonlyMap<string, BuiltService>> {
  const built = new Map<string, BuiltService>();
  const problems: ConfigProblem[] = [];
  for (const [name, { spec, path }] of specs) {
    const print = JSON.stringify(spec);
    if (known.get(name) === print) continue;
    try {
      const service = redactedService(
        await makeService(spec, { name, specOf: (other) => specs.get(other)?.spec }),
        redactor,
      );
      built.set(name, {
        settings: { service, ...redactor.value(settingsOf(splitFields(spec).common)) },
        print,
      });
    } catch (cause) {
      problems.push({ path, line: null, message: redactor.text(messageOf(cause)) });
    }
  }
  if (problems.length === 0) return built;
  await closeAll(built.values());
  throw new ConfigError(file, problems);
}

/** Closes services that are not registered anywhere. Never rejects: they have done nothing yet. */
export async function closeAll(services: Iterable<BuiltService>): Promise<void> {
  const closing = [...services].map(async ({ settings: { service } }) => {
    if (typeof service === 'object') await service.close?.();
  });
  await Promise.allSettled(closing);
}

async function makeService(spec: ServiceSpec, context: KindContext): Promise<Service> {
  // The kind of the spec is that of its factory.
  const factory = KINDS[spec.kind] as (spec: ServiceSpec, context: KindContext) => Promise<Service>;
  return factory(spec, context);
}

function settingsOf(common: CommonFields): Omit<ServiceSettings, 'service'> {
  const { enabled: _enabled, retryOnFailure, maxRetries, ...rest } = common;
  const retries = retryOnFailure === false ? 0 : maxRetries;
  const entries = Object.entries({ ...rest, maxRetries: retries }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
