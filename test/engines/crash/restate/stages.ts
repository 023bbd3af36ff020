import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../../restate/cluster.js';
import { freePort, startServer } from '../../../restate/server.js';
import type { AttemptLog } from './attempt-log.js';

/** Where a scenario plays: a server, a worker, and what of them is killed. */
export interface Stage {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  /** Kills, tells that the victim is dead, and starts it again. */
  strike(onDead: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Stages by the name of their scenario. */
export const STAGES: Readonly<Record<string, (log: AttemptLog) => Promise<Stage>>> = {
  worker: openWorkerStage,
  server: openServerStage,
  cluster: openClusterStage,
};

/** One server; the worker is killed. */
async function openWorkerStage(log: AttemptLog): Promise<Stage> {
  const server = await startServer();
  const startWorker = await workerAt(server, log);
  let worker = await startWorker();
  return {
    ...urlsOf(server),
    async strike(onDead) {
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      log.noteKill(worker.pid as number);
      onDead();
      worker = await startWorker();
    },
    async close() {
      await end(worker);
      await server.stop();
    },
  };
}

/** One server, which is killed. */
async function openServerStage(log: AttemptLog): Promise<Stage> {
  let server = await startServer();
  const worker = await (await workerAt(server, log))();
  return {
    ...urlsOf(server),
    async strike(onDead) {
      server = await server.killAndStart(0, onDead);
    },
    async close() {
      await end(worker);
      await server.stop();
    },
  };
}

/** Three nodes; the one that leads the partition of the limits is killed. */
async function openClusterStage(log: AttemptLog): Promise<Stage> {
  const cluster = await startCluster();
  const worker = await (await workerAt(cluster, log))();
  return {
    ...urlsOf(cluster),
    async strike(onDead) {
      await cluster.killAndStart(await cluster.busiestNode(), onDead);
    },
    async close() {
      await end(worker);
      await cluster.stop();
    },
  };
}

interface Urls {
  readonly ingressUrl: string;
  readonly adminUrl: string;
}

function urlsOf({ ingressUrl, adminUrl }: Urls): Urls {
  return { ingressUrl, adminUrl };
}

/** Starts a worker, every time at the same port. */
async function workerAt(
  { ingressUrl, adminUrl }: Urls,
  log: AttemptLog,
): Promise<() => Promise<ChildProcess>> {
  const args = [ingressUrl, adminUrl, String(await freePort()), log.path];
  const program = fileURLToPath(new URL('worker.mjs', import.meta.url));
  return async () => {
    const worker = fork(program, args, { execArgv: [] });
    await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit').then(([code]) => {
        throw new Error(`the worker ended with code ${code} before it was ready`);
      }),
    ]);
    return worker;
  };
}

async function end(worker: ChildProcess): Promise<void> {
  worker.kill('SIGKILL');
  if (worker.exitCode === null && worker.signalCode === null)
    await Promise.race([once(worker, 'exit'), sleep(1000)]);
}
