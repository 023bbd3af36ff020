import type { Log } from '../../core/environment.js';
import type { Names } from './protocol.js';
import type { RestateServer } from './restate-server.js';

/** What the watchdog needs from outside. */
export interface WatchdogPorts {
  readonly server: RestateServer;
  readonly names: Names;
  readonly log: Log;
  /** How long an attempt may wait while nothing runs, and how often is looked, in milliseconds. */
  readonly watchMs: number;
}

/** What the server says of the attempts. */
interface Look {
  readonly running: number;
  readonly waiting: number;
}

/**
 * Looks, while tasks are open, whether anything of them moves: a server without workers, or one that is stuck, keeps tasks
 * without a word. Owns: its timer, and what it saw last.
 */
export class Watchdog {
  readonly #ports: WatchdogPorts;
  #timer: NodeJS.Timeout | undefined;
  #open: { readonly size: number } = { size: 0 };
  /** Whether the last look found attempts waiting and none running. */
  #wasStuck = false;

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
      const { running, waiting } = await this.#ask();
      const isStuck = running === 0 && waiting > 0;
      if (isStuck && this.#wasStuck) {
        const facts = { open: this.#open.size, waiting, forSeconds: watchMs / 1000 };
        log.error(
          facts,
          'tasks wait at the engine and nothing runs: is a worker up, and does it reach the server?',
        );
      }
      this.#wasStuck = isStuck;
    } catch (cause) {
      log.error({ cause, open: this.#open.size }, 'the engine does not answer, and tasks wait for it');
    }
    this.#timer = undefined;
    if (this.#open.size > 0) this.watch(this.#open);
    else this.#wasStuck = false;
  }

  /** Attempts that wait for a slot or a worker, and those that run. */
  async #ask(): Promise<Look> {
    const { task, attempt } = this.#ports.names;
    const rows = await this.#ports.server.query(
      `select target_service_name as service, status, count(*) as number from sys_invocation where target_service_name in ('${task}', '${attempt}') and status <> 'completed' group by target_service_name, status`,
    );
    let running = 0;
    let waiting = 0;
    for (const { service, status, number } of rows) {
      if (service === attempt && status === 'running') running += Number(number);
      else if (status !== 'running' && status !== 'suspended') waiting += Number(number);
    }
    return { running, waiting };
  }
}
