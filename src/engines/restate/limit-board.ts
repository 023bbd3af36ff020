import type { Log } from '../../core/environment.js';
import type { Names } from './protocol.js';
import { RemoteShelf } from './remote-shelf.js';
import type { RestateServer } from './restate-server.js';

/** How long a limit can be looked up after it was said, in milliseconds: thirty days. */
const KEEP_MS = 2_592_000_000;

/**
 * The limits that some process said last. The server enforces them and tells them to nobody, and for a moment after a node has
 * failed it lets more attempts begin; so each worker holds them as well, and looks here whether they were raised.
 */
export class LimitBoard {
  readonly #server: RestateServer;
  readonly #shelf: RemoteShelf;

  constructor(ports: { readonly server: RestateServer; readonly names: Names; readonly log: Log }) {
    this.#server = ports.server;
    this.#shelf = new RemoteShelf('limits', { ...ports, keepMs: KEEP_MS });
  }

  /** Says limits, by pattern; null is none. @throws OrchestratorError `ENGINE_UNAVAILABLE` */
  async set(limits: ReadonlyMap<string, number | null>): Promise<void> {
    await this.#server.setLimits(limits);
    this.note(limits);
  }

  /** Writes limits down that the server has. */
  note(limits: ReadonlyMap<string, number | null>): void {
    for (const [pattern, limit] of limits) this.#shelf.put(pattern, JSON.stringify(limit));
  }

  /** Resolves once all is written down, or could not be. */
  async told(): Promise<void> {
    await this.#shelf.kept().catch(() => {});
  }

  /** The limit of a pattern, `Infinity` for none; undefined when it was not said lately or nobody answers. */
  async find(pattern: string): Promise<number | undefined> {
    try {
      const text = await this.#shelf.find(pattern);
      if (text === undefined) return undefined;
      const limit: unknown = JSON.parse(text);
      return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
    } catch {
      return undefined;
    }
  }
}
