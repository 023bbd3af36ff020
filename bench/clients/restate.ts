import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../packages.js';

/** This file runs from out/bench/clients. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Folder of the package with the server. */
const PACKAGES = 'test/restate';

/** A server and a worker, each a process of its own. */
export interface RestateProcesses {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  close(): Promise<void>;
}

/** Why there is no server here; undefined when there is one, after it was installed if need be. */
export function whyNoRestate(): string | undefined {
  try {
    installPackages(PACKAGES);
    const { resolve } = createRequire(join(root, PACKAGES, 'package.json'));
    resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
    return undefined;
  } catch {
    return `the Restate server (${PACKAGES}) cannot be installed on ${process.platform}-${process.arch}`;
  }
}

/** Starts both, on free ports and in an empty folder. */
export async function startRestate(maxParallel: number): Promise<RestateProcesses> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'gaffr-bench-'));
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
  const ports = ['--ingress-port', ingress, '--admin-port', admin, '--node-port', node].map(String);
  const server = start(
    [join(root, 'dist/cli/main.js'), 'engine', 'up', '--without-worker', '--data', dataFolder, ...ports],
    join(root, PACKAGES),
  );
  const [ingressUrl, adminUrl] = [`http://127.0.0.1:${ingress}`, `http://127.0.0.1:${admin}`];
  const close = async (...children: readonly Child[]): Promise<void> => {
    for (const child of children) {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    rmSync(dataFolder, { recursive: true, force: true });
  };
  try {
    await firstWords(server.stderr);
    const program = fileURLToPath(new URL('../servers/restate-worker.js', import.meta.url));
    const worker = start([program, ingressUrl, adminUrl, String(maxParallel)], root);
    await firstWords(worker.stdout);
    return { ingressUrl, adminUrl, close: () => close(worker, server) };
  } catch (cause) {
    await close(server);
    throw cause;
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

function start(args: readonly string[], cwd: string): Child {
  const child: Child = spawn(process.execPath, [...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.on('data', (words) => process.stderr.write(words));
  // A run that fails must leave nothing behind.
  process.once('exit', () => child.kill('SIGTERM'));
  return child;
}

/** Waits until a process says that it is ready. @throws Error when it ends instead. */
async function firstWords(stream: Readable): Promise<void> {
  await Promise.race([
    once(stream, 'data'),
    once(stream, 'end').then(() => {
      throw new Error('A process of the engine ended before it was ready.');
    }),
  ]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
