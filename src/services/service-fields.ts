import type { Service } from '../core/service.js';

/** What a service says of itself beside its work: routing and limits. */
type ServiceFields = Omit<Service, 'execute' | 'close' | 'onProfileChange'>;

const FIELDS: ReadonlySet<string> = new Set<keyof ServiceFields>([
  'description',
  'keywords',
  'capabilities',
  'examples',
  'concurrency',
  'rateLimit',
  'idempotent',
  'tools',
  'trusted',
  'timeoutSeconds',
  'maxRetries',
]);

/**
 * Takes the fields of a service and the options of its kind apart; fields that are `undefined` are left out.
 *
 * @param own - Names that mean something else in these options.
 */
export function splitServiceFields<Options extends object>(
  options: Options,
  own: readonly (keyof ServiceFields)[] = [],
): { readonly fields: Partial<ServiceFields>; readonly own: Record<string, unknown> } {
  const isField = (name: string): boolean => FIELDS.has(name) && !own.some((each) => each === name);
  const entries = Object.entries(options);
  return {
    fields: Object.fromEntries(entries.filter(([name, value]) => isField(name) && value !== undefined)),
    own: Object.fromEntries(entries.filter(([name]) => !isField(name))),
  };
}
