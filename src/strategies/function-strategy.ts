import { misuse } from '../core/errors.js';
import type { Ranked, RouteContext, RoutingStrategy } from '../core/route.js';

/** A strategy as a plain function: the task and the available services in, `[service, confidence]` pairs out. */
export type RouteFunction = (
  task: string,
  availableServices: readonly string[],
  context: RouteContext,
) => Ranked | Promise<Ranked>;

/**
 * Wraps a plain function as a strategy.
 *
 * @example
 * new FunctionStrategy((task, services) => (task.endsWith('?') && services.includes('chat') ? [['chat', 0.9]] : []));
 */
export class FunctionStrategy implements RoutingStrategy {
  readonly name: string;
  readonly #route: RouteFunction;

  /**
   * @param name - For explanations and warnings. Default: the function's own name, or `custom`.
   * @throws TypeError when it is given no function.
   */
  constructor(route: RouteFunction, name?: string) {
    if (typeof route !== 'function') {
      throw misuse(`FunctionStrategy needs a function (task, services) => pairs, not ${typeof route}.`);
    }
    this.name = name ?? (route.name || 'custom');
    this.#route = route;
  }

  /** Calls the function; throws and rejects as it does. */
  route(task: string, availableServices: readonly string[], context: RouteContext): Ranked | Promise<Ranked> {
    return this.#route(task, availableServices, context);
  }
}
