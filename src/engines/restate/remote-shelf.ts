import type { Shelf } from '../../core/engine.js';
import type { Log } from '../../core/environment.js';
import type { Names, ShelfText } from './protocol.js';
import type { RestateServer } from './restate-server.js';

/** What a shelf needs from outside. */
export interface ShelfPorts {
  readonly server: RestateServer;
  readonly names: Names;
  readonly log: Log;
  /** How long a text is kept, in milliseconds. */
  readonly keepMs: number;
}

/**
 * Texts that every process with the same engine finds. Owns: what is on its way to the server. Invariant L1: what concerns
 * one key reaches the server in the order in which it was said.
 */
export class RemoteShelf implements Shelf {
  readonly #name: string;
  readonly #ports: ShelfPorts;
  readonly #underWay = new Map<string, Promise<void>>();
  #fault: unknown;

  constructor(name: string, ports: ShelfPorts) {
    this.#name = name;
    this.#ports = ports;
  }

  put(key: string, text: string): void {
    const message: ShelfText = { text, keepMs: this.#ports.keepMs };
    this.#say(key, 'put', message);
  }

  drop(key: string): void {
    this.#say(key, 'drop', undefined);
  }

  async find(key: string): Promise<string | undefined> {
    await this.#underWay.get(key);
    const text = await this.#ports.server.call(this.#target(key, 'find'), undefined);
    return typeof text === 'string' ? text : undefined;
  }

  /** None: other processes may be at work on what is there. It is taken up when it is asked for. */
  entries(): readonly (readonly [string, string])[] {
    return [];
  }

  async kept(): Promise<void> {
    await Promise.all(this.#underWay.values());
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
  }

  #say(key: string, handler: string, message: ShelfText | undefined): void {
    const before = this.#underWay.get(key) ?? Promise.resolve();
    const said = before
      .then(() => this.#ports.server.call(this.#target(key, handler), message))
      .then(
        () => {},
        (cause) => {
          this.#fault = cause;
          this.#ports.log.warn({ cause, shelf: this.#name }, 'the engine did not keep a text');
        },
      )
      .finally(() => {
        if (this.#underWay.get(key) === said) this.#underWay.delete(key);
      });
    this.#underWay.set(key, said);
  }

  #target(key: string, handler: string): string {
    return `${this.#ports.names.shelf}/${encodeURIComponent(`${this.#name}/${key}`)}/${handler}`;
  }
}
