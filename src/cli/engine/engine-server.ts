import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Log } from '../../core/environment.js';
import { ConfigurationError } from '../exit-code.js';

/** The version of the server that is asked for where none is installed. */
const VERSION = '1.7.12';

/** How long the server may take to be ready, in milliseconds. */
const READY_MS = 30_000;

/** Where a server listens and keeps its data. */
export interface EngineServerOptions {
  readonly dataFolder: string;
  /** Address of all its ports. */
  readonly host: string;
  readonly ports: { readonly ingress: number; readonly admin: number; readonly node: number };
  readonly log: Log;
  /** Folder of the project whose packages hold the server. Default: the working folder. */
  readonly project?: string;
  /** Further settings of the server, as its environment. Default: none. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A server that runs as a child of this process. */
export interface EngineServer {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  /** Resolves with the exit code, or null after a signal. */
  readonly ended: Promise<number | null>;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * Starts a Restate server for development: one node, few resources, telemetry off, flow control on.
 *
 * @throws ConfigurationError when its package is not installed, or it ends or stays silent instead of being ready.
 */
export async function startEngineServer(options: EngineServerOptions): Promise<EngineServer> {
  const { dataFolder, host, ports, log } = options;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const child = spawn(findServer(options.project ?? process.cwd()), ['--no-logo'], {
    env: { ...process.env, ...settingsOf(options), ...options.settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const words = logWords(child, log);
  // It outlives its parent otherwise.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  void ended.then(() => process.off('exit', kill));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  const at = (port: number): string => `http://${host}:${port}`;
  const server = { ingressUrl: at(ports.ingress), adminUrl: at(ports.admin), ended, pid: child.pid, stop };
  const isReady = await Promise.race([untilHealthy(server), ended.then(() => false)]);
  if (isReady) return server;
  await stop();
  throw new ConfigurationError(
    `The Restate server did not get ready; its last words: ${words.at(-1) ?? 'none'}. Look whether its ports (${ports.ingress}, ${ports.admin}, ${ports.node}) are free and ${dataFolder} can be written.`,
  );
}

/** The server's program, of the package in the project of the user. */
function findServer(project: string): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  for (const from of [join(project, 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve(`${name}/bin/restate-server`);
    } catch {
      // Perhaps there.
    }
  }
  throw new ConfigurationError(
    process.platform === 'win32'
      ? 'There is no Restate server for Windows; run one in WSL or elsewhere, and name it by --ingress and --admin.'
      : `The Restate server is not installed here; install it: npm install --save-dev ${name}@${VERSION}`,
  );
}

function settingsOf({ dataFolder, host, ports }: EngineServerOptions): Record<string, string> {
  return {
    RESTATE_BASE_DIR: dataFolder,
    RESTATE_NODE_NAME: 'gaffr-development',
    RESTATE_CLUSTER_NAME: 'gaffr-development',
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_BIND_IP: host,
    RESTATE_BIND_PORT: `${ports.node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://${host}:${ports.node}`,
    RESTATE_INGRESS__BIND_PORT: `${ports.ingress}`,
    RESTATE_ADMIN__BIND_PORT: `${ports.admin}`,
    RESTATE_DEFAULT_NUM_PARTITIONS: '4',
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '256MB',
    RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7: 'true',
    RESTATE_EXPERIMENTAL_ENABLE_VQUEUES: 'true',
    RESTATE_DISABLE_TELEMETRY: 'true',
    DO_NOT_TRACK: '1',
  };
}

/** Passes what the server says on to the log, and keeps its last lines. */
function logWords({ stdout, stderr }: ChildProcess, log: Log): readonly string[] {
  const words: string[] = [];
  const take = (chunk: Buffer): void => {
    for (const line of chunk.toString().split('\n')) {
      if (line.trim() === '') continue;
      words.push(line);
      if (words.length > 20) words.shift();
      log.debug({ line }, 'restate server');
    }
  };
  stdout?.on('data', take);
  stderr?.on('data', take);
  return words;
}

async function untilHealthy({ ingressUrl, adminUrl }: Pick<EngineServer, 'ingressUrl' | 'adminUrl'>) {
  const endMs = Date.now() + READY_MS;
  while (Date.now() < endMs) {
    if ((await isHealthy(`${adminUrl}/health`)) && (await isHealthy(`${ingressUrl}/restate/health`)))
      return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const { ok } = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return ok;
  } catch {
    return false;
  }
}
