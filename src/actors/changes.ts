import type { Log } from '../core/environment.js';
import type { RuntimeEvent } from '../core/events.js';
import type { ChangeListener } from '../core/orchestrator-port.js';
import { callGuarded } from './call-guarded.js';
import type { QueueEvents } from './queue-events.js';
import type { ServiceRegistry } from './registry.js';

/**
 * Tells listeners that what people are told of the orchestrator has changed.
 *
 * Owns: its listeners. Talks to: the runtime's facts and the registry, only while somebody listens (L1).
 */
export class Changes {
  readonly #listeners = new Set<{ readonly tell: ChangeListener }>();
  readonly #events: QueueEvents;
  readonly #registry: ServiceRegistry;
  readonly #log: Log;

  constructor(events: QueueEvents, registry: ServiceRegistry, log: Log) {
    this.#events = events;
    this.#registry = registry;
    this.#log = log;
  }

  /** Calls the listener at every change until the returned function is called. What it throws is reported. */
  watch(tell: ChangeListener): () => void {
    const listener = { tell };
    if (this.#listeners.size === 0) {
      this.#events.on('event', this.#onEvent);
      this.#registry.on('profile', this.tell);
    }
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#ignore();
    };
  }

  /** Forgets every listener: there will be no more changes. */
  end(): void {
    this.#listeners.clear();
    this.#ignore();
  }

  /** Tells of a change that is no fact of the runtime: a pause, a profile. */
  readonly tell = (service: string | null): void => {
    for (const listener of this.#listeners) {
      callGuarded(
        () => listener.tell(service),
        (cause) => this.#log.warn({ service, cause }, 'a listener of changes threw'),
      );
    }
  };

  #ignore(): void {
    this.#events.off('event', this.#onEvent);
    this.#registry.off('profile', this.tell);
  }

  readonly #onEvent = (event: RuntimeEvent): void => this.tell('service' in event ? event.service : null);
}
