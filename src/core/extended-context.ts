import type { ServiceContext } from './service.js';

/**
 * A context with some fields changed, for a service that hands its task on to another one. The other fields are still made
 * when they are asked for, so an attempt pays for no signal and no copy of kwargs that nobody looks at.
 *
 * @example execute: (task, context) => inner.execute(task, extendContext(context, { kwargs: { page: 1 } }))
 */
export function extendContext(context: ServiceContext, changes: Partial<ServiceContext>): ServiceContext {
  // Not around the context itself: one that is frozen allows no other values.
  return new Proxy({} as ServiceContext, new Extension(context, changes));
}

/** Every field of a context, whether it is made already or not. */
const FIELDS = Object.keys({
  kwargs: true,
  signal: true,
  attempt: true,
  taskId: true,
  deadline: true,
  idempotencyKey: true,
  traceparent: true,
  progress: true,
  log: true,
} satisfies Record<keyof ServiceContext, true>);

/** Its fields are listed as its own, so that this one can be spread. */
class Extension implements ProxyHandler<ServiceContext> {
  readonly #context: ServiceContext;
  readonly #changes: Partial<ServiceContext>;

  constructor(context: ServiceContext, changes: Partial<ServiceContext>) {
    this.#context = context;
    this.#changes = changes;
  }

  get(_target: ServiceContext, name: string | symbol): unknown {
    return Reflect.get(Object.hasOwn(this.#changes, name) ? this.#changes : this.#context, name);
  }

  has(_target: ServiceContext, name: string | symbol): boolean {
    return FIELDS.includes(String(name));
  }

  ownKeys(): string[] {
    return FIELDS;
  }

  getOwnPropertyDescriptor(target: ServiceContext, name: string | symbol): PropertyDescriptor | undefined {
    if (!FIELDS.includes(String(name))) return undefined;
    // Not its value: whoever asks for a descriptor has not asked for the field yet.
    return { get: () => this.get(target, name), enumerable: true, configurable: true };
  }
}
