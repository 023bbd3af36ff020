import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { CpuReports, REPORTER_ARGS } from './cpu-reports.js';

/** What every client sends; a server that asks for nothing ignores it. */
export const BENCH_TOKEN = 'bench-token-of-more-than-32-characters';

/** A server over HTTP in a process of its own, which printed its address as its first line. */
export interface HttpServerProcess {
  readonly url: URL;
  cpuMicros(): Promise<number>;
  close(): Promise<void>;
}

/** Starts a server, with arguments of Node. */
export async function startHttpServer(args: readonly string[]): Promise<HttpServerProcess> {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    process.execPath,
    [...REPORTER_ARGS, ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const reports = new CpuReports(child.pid as number, child.stderr);
  const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url: new URL(address),
    cpuMicros: () => reports.next(),
    async close() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
