import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Arguments of Node that make a server tell its CPU time. */
export const REPORTER_ARGS: readonly string[] = [
  '--import',
  new URL('../servers/report-cpu.js', import.meta.url).href,
];

/** Asks a server for its CPU time by a signal; it answers on stderr, where nobody else's bytes are in the way. */
export class CpuReports {
  readonly #pid: number;
  readonly #lines: Interface;

  constructor(pid: number, stderr: Readable) {
    this.#pid = pid;
    this.#lines = createInterface({ input: stderr });
  }

  /** User and system time so far, in microseconds. */
  async next(): Promise<number> {
    process.kill(this.#pid, 'SIGUSR2');
    for (;;) {
      const [line] = (await once(this.#lines, 'line')) as [string];
      const [, micros] = /^cpu (\d+)$/.exec(line) ?? [];
      if (micros !== undefined) return Number(micros);
    }
  }
}
