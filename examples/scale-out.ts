// Two workers in processes of their own run what a third process accepts, under one limit. One of them is killed in the middle:
// what it was at is done by the other, and nothing is lost. The engine is a Restate server, started here for the while.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createOrchestrator, ExecutionConfig, type ServiceContext } from 'gaffr';
import { startWorker } from 'gaffr/worker';

const REPORTS = 16;
const config = ExecutionConfig.create({ maxParallel: 4, fallbackService: null });

/** What a report says of its making. */
interface Made {
  readonly by: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

const services = {
  report: {
    idempotent: true,
    service: async (_task: string, { signal }: ServiceContext): Promise<Made> => {
      const fromMs = Date.now();
      await sleep(250, undefined, { signal });
      return { by: process.pid, fromMs, untilMs: Date.now() };
    },
  },
};

const [mode, ...addresses] = process.argv.slice(2);
if (mode === 'worker') await work(addresses);
else await scaleOut();

/** A worker says its own port, and works until it is killed. */
async function work([ingressUrl = '', adminUrl = '', url = '', port = '']: string[]): Promise<void> {
  const engine = { kind: 'restate', ingressUrl, adminUrl } as const;
  await startWorker({ services, config, engine, url, port: Number(port) });
  console.log('ready');
}

async function scaleOut(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'gaffr-scale-out-'));
  const [ingress, admin, node, first, second] = await freePorts(5);
  const ingressUrl = `http://127.0.0.1:${ingress}`;
  const adminUrl = `http://127.0.0.1:${admin}`;
  const balancer = await balance([first, second]);
  const url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
  const server = await startServer(data, { ingress, admin, node });
  const workers = [];
  for (const port of [first, second])
    workers.push(
      await startNode(
        fileURLToPath(import.meta.url),
        ['worker', ingressUrl, adminUrl, url, `${port}`],
        /ready/,
      ),
    );

  const orchestrator = createOrchestrator({
    services,
    config,
    engine: { kind: 'restate', ingressUrl, adminUrl },
  });
  const results = Array.from({ length: REPORTS }, (_, index) => orchestrator.execute(`report ${index + 1}`));
  // The one that is at work: it has made a report, and is at the next ones.
  const busy = ((await Promise.race(results)).result as Made).by;
  workers.find(({ pid }) => pid === busy)?.kill('SIGKILL');
  const reports = await Promise.all(results);
  assert.ok(reports.every(({ status }) => status === 'completed'));
  const made = reports.map(({ result }) => result as Made);
  const most = Math.max(
    ...made.map(({ fromMs }) => made.filter((it) => it.fromMs <= fromMs && fromMs < it.untilMs).length),
  );
  assert.ok(most <= 4, `${most} ran at once`);
  console.log(
    `${reports.length} reports by ${new Set(made.map(({ by }) => by)).size} workers, one of them killed; at most ${most} at once`,
  );

  await orchestrator.close();
  for (const child of [...workers, server]) child.kill();
  await once(server, 'exit');
  balancer.close();
  rmSync(data, { recursive: true, force: true });
  process.exit();
}

/** A server for development. Its package lies beside the tests that need it. */
function startServer(
  data: string,
  ports: { ingress: number; admin: number; node: number },
): Promise<ChildProcess> {
  const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, `${port}`]);
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const folder = fileURLToPath(new URL('../test/restate', import.meta.url));
  return startNode(
    main,
    ['engine', 'up', '--without-worker', '--data', data, ...flags],
    /Restate server at/,
    folder,
  );
}

/** Resolves once the program has said that it is there. */
async function startNode(program: string, args: string[], said: RegExp, cwd?: string): Promise<ChildProcess> {
  const options = program.endsWith('.ts') ? process.execArgv : [];
  const child = spawn(process.execPath, [...options, program, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [child.stdout, child.stderr].map((input) => createInterface({ input }));
  await new Promise<void>((resolve, reject) => {
    for (const each of lines) each.on('line', (line) => said.test(line) && resolve());
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
  });
  return child;
}

/** Gives each connection to the next worker that answers. */
async function balance(ports: readonly number[]): Promise<Server> {
  let turn = 0;
  const server = createServer((client) => {
    const tryNext = (left: number): void => {
      const upstream = connect(ports[turn++ % ports.length] ?? 0, '127.0.0.1');
      upstream.once('connect', () => client.pipe(upstream).pipe(client));
      upstream.once('error', () => (left > 1 ? tryNext(left - 1) : client.destroy()));
      upstream.once('close', () => upstream.bytesRead > 0 && client.destroy());
      client.once('close', () => upstream.destroy());
    };
    client.on('error', () => client.destroy());
    tryNext(ports.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<[number, number, number, number, number]> {
  const servers = await Promise.all(Array.from({ length: count }, () => balance([])));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as [number, number, number, number, number];
}
