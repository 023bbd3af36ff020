import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type EngineServer, startEngineServer } from '../../src/cli/engine/engine-server.js';
import { silentLog } from '../../src/core/environment.js';

/** A server of one's own on free ports, with its data in a folder that goes with it. */
export interface TestServer extends EngineServer {
  readonly dataFolder: string;
  readonly ports: { readonly ingress: number; readonly admin: number; readonly node: number };
  /**
   * Kills it at once, tells so, and starts it again, after a while, with the same data and ports. Default: without a wait.
   */
  killAndStart(awayMs?: number, onDead?: () => void): Promise<TestServer>;
}

/** Starts the server of the package beside this file. */
export async function startServer(): Promise<TestServer> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'gaffr-restate-'));
  const ports = { ingress: await freePort(), admin: await freePort(), node: await freePort() };
  return startAt(dataFolder, ports);
}

async function startAt(dataFolder: string, ports: TestServer['ports']): Promise<TestServer> {
  const project = fileURLToPath(new URL('.', import.meta.url));
  const server = await startEngineServer({ dataFolder, host: '127.0.0.1', ports, log: silentLog, project });
  return {
    ...server,
    dataFolder,
    ports,
    async killAndStart(awayMs = 0, onDead) {
      if (server.pid !== undefined) process.kill(server.pid, 'SIGKILL');
      await server.ended;
      onDead?.();
      await setTimeout(awayMs);
      return startAt(dataFolder, ports);
    },
    async stop() {
      await server.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/**
 * A port that was free a moment ago, and that no connection is given as its own end in the meantime: it lies below the
 * ranges that systems take those from.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      return port;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
}
