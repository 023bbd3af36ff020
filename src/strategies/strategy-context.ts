import { type Clock, type Log, silentLog } from '../core/environment.js';
import type { RouteContext, ServiceProfile } from '../core/route.js';

/** What the contexts of a router have in common. */
export interface SharedContext extends Omit<RouteContext, 'signal' | 'kwargs'> {
  readonly clock: Clock;
}

/**
 * The context of one call of a strategy. Its signal is made when it is first asked for: a synchronous strategy that never
 * looks at it pays nothing. A class, because an object literal with a getter takes forty times as long to make.
 */
export class StrategyContext implements RouteContext {
  readonly profiles: ReadonlyMap<string, ServiceProfile>;
  readonly kwargs: unknown;
  readonly confidenceThreshold: number;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly #parent: Pick<RouteContext, 'signal'> | undefined;
  #controller: AbortController | undefined;

  /** @param parent - When its signal fires, this one does too. */
  constructor(shared: SharedContext, kwargs: unknown, parent?: Pick<RouteContext, 'signal'>) {
    this.profiles = shared.profiles;
    this.kwargs = kwargs;
    this.confidenceThreshold = shared.confidenceThreshold ?? 0.5;
    this.timeoutSeconds = shared.timeoutSeconds ?? 1;
    this.clock = shared.clock;
    this.log = shared.log ?? silentLog;
    this.#parent = parent;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      const parent = this.#parent?.signal;
      if (parent?.aborted) controller.abort(parent.reason);
      // The parent is of this one task, so the listener does not outlive it.
      else parent?.addEventListener('abort', () => controller.abort(parent.reason), { once: true });
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    void this.signal;
    this.#controller?.abort(reason);
  }
}
