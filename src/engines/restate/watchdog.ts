import type { Log } from '../../core/environment.js';
import type { Names } from './protocol.js';
import type { RestateServer } from './restate-server.js';

/** What the watchdog needs from outside. */
export interface WatchdogPorts {
  readonly server: RestateServer;
  readonly names: Names;
  readonly log: Log;
  /** How long nothing may run before that is reported, and how often is looked, in milliseconds. */
  readonly watchMs: number;
}

/**
 * Looks, while tasks are open, whether anything of them moves: a server without workers, or one that is stuck, keeps tasks
 * without a word. Owns: its timer, and what it saw last.
 */
export class Watchdog {
  readonly #ports: WatchdogPorts;
  #timer: NodeJS.Timeout | undefined;
  #open: { readonly size: number } = { size: 0 };
  /** Whether the last look found that nothing runs. */
  #wasStill = false;

  constructor(ports: WatchdogPorts) {
    this.#ports = ports;
  }

  /** Looks from now on, as long as there is anything open. */
  watch(open: { readonly size: number }): void {
    this.#open = open;
    this.#timer ??= setTimeout(() => void this.#look(), this.#ports.watchMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#open = { size: 0 };
  }

  async #look(): Promise<void> {
    const { log, watchMs } = this.#ports;
    try {
      const isStill = !(await this.#isAnythingRunning());
      if (isStill && this.#wasStill) {
        const facts = { open: this.#open.size, forSeconds: watchMs / 1000 };
        log.error(
          facts,
          'tasks wait at the engine and nothing runs: is a worker up, and does the server reach it? They may also wait for a next attempt',
        );
      }
      this.#wasStill = isStill;
    } catch (cause) {
      log.error({ cause, open: this.#open.size }, 'the engine does not answer, and tasks wait for it');
    }
    this.#timer = undefined;
    if (this.#open.size > 0) this.watch(this.#open);
    else this.#wasStill = false;
  }

  async #isAnythingRunning(): Promise<boolean> {
    const { attempt } = this.#ports.names;
    const rows = await this.#ports.server.query(
      `select id from sys_invocation where target_service_name = '${attempt}' and status = 'running' limit 1`,
    );
    return rows.length > 0;
  }
}
