/**
 * Asks loaded servers to stop, over stdio and over HTTP, and ends with one line of figures:
 * `npm run drain -- --rounds 100 --json`.
 *
 * --rounds N   how many servers over each (default 2)
 * --running N  tasks that run, each the call of a client of its own (default 100)
 * --queued N   tasks that wait (default 10,000): calls of their own over stdio, a hundred a call over HTTP
 * --json       the last line is JSON
 *
 * A server that ends later than its drain time plus a second, or leaves a call without an answer, is told; exit code 1. The
 * time for which other programs kept it from a processor is told apart (`longestWaitMs`) and does not count.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ServerProcess } from './child.js';
import { type Clients, httpClients, stdioClient, untilLoaded } from './drain-target.js';
import { Violation } from './judge.js';

/** What the server is told, in seconds, and how much longer it may take, in milliseconds. */
const DRAIN_SECONDS = 0.5;
const GRACE_MS = 1000;
const PER_CALL = 100;
const TOKEN = 'drain-'.repeat(8);

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    running: { type: 'string', default: '100' },
    queued: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const running = Number(values.running);
const queued = Number(values.queued);
const folder = mkdtempSync(join(tmpdir(), 'gaffr-drain-'));
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
const figures = { stdio: newFigures(), http: newFigures() };
try {
  for (let round = 0; round < rounds; round += 1) {
    await runRound('stdio', round);
    await runRound('http', round);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report();

function newFigures() {
  return { endedAfterMs: [] as number[], answered: 0, longestWaitMs: 0, violations: [] as string[] };
}

async function runRound(over: 'stdio' | 'http', round: number): Promise<void> {
  const { endedAfterMs, violations } = figures[over];
  const limits = ['--http-limit', 'callsAtOnce=1000', '--http-limit', 'callsBurst=100000'];
  const server = new ServerProcess(
    ...(over === 'http' ? ['--http', '0', '--token-file', tokenFile, ...limits] : []),
  );
  try {
    const clients = over === 'http' ? httpClients(await server.port(), TOKEN) : stdioClient(server);
    const calls = over === 'http' ? inBatches(clients) : oneByOne(clients);
    for (const call of calls) call.catch(() => {});
    await untilLoaded(clients, { running, queued });
    const startMs = performance.now();
    server.child.kill('SIGTERM');
    const code = await server.exited;
    const waitedMs = Number(/waited for a processor: (\d+)/.exec(server.stderr)?.[1] ?? 0);
    const tookMs = performance.now() - startMs - waitedMs;
    endedAfterMs.push(tookMs);
    figures[over].longestWaitMs = Math.max(figures[over].longestWaitMs, waitedMs);
    if (code !== 0) throw new Violation(`ended with ${code}\n${server.stderr}`);
    if (tookMs > DRAIN_SECONDS * 1000 + GRACE_MS) throw new Violation(`ended after ${tookMs.toFixed(0)} ms`);
    const counts = await Promise.all(calls);
    figures[over].answered += counts.reduce((sum, count) => sum + count, 0);
  } catch (cause) {
    if (!(cause instanceof Violation)) throw cause;
    violations.push(`round ${round} over ${over}: ${cause.message}`);
  } finally {
    await server.kill();
  }
}

function oneByOne(clients: Clients): Promise<number>[] {
  return Array.from({ length: running + queued }, (_, index) => execute(clients, index));
}

function inBatches(clients: Clients): Promise<number>[] {
  const batches = Array.from({ length: queued / PER_CALL }, async () => {
    const tasks = Array.from({ length: PER_CALL }, (_, index) => ({
      task: `queued ${index}`,
      service: 'forever',
    }));
    const { results } = await clients.call('executeParallel', { tasks });
    const statuses = (results as { status: string }[]).map(({ status }) => status);
    if (statuses.length !== PER_CALL || statuses.some((status) => status !== 'cancelled')) {
      throw new Violation(`not every task of a call was cancelled: ${statuses}`);
    }
    return PER_CALL;
  });
  return [...Array.from({ length: running }, (_, index) => execute(clients, index)), ...batches];
}

/** One call of a task that never ends by itself. */
async function execute(clients: Clients, index: number): Promise<number> {
  const { status } = await clients.call('execute', { task: `task ${index}`, service: 'forever' });
  if (status !== 'cancelled') throw new Violation(`task ${index} was not cancelled but ${status}`);
  return 1;
}

function report(): void {
  const outcome = Object.fromEntries(
    Object.entries(figures).map(([over, { endedAfterMs, answered, longestWaitMs, violations }]) => {
      for (const violation of violations) console.log(violation);
      const sorted = endedAfterMs.map(Math.round).sort((a, b) => a - b);
      const [medianMs, longestMs] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
      return [over, { answered, medianMs, longestMs, longestWaitMs, violations: violations.length }];
    }),
  );
  const violations = figures.stdio.violations.length + figures.http.violations.length;
  if (violations > 0) process.exitCode = 1;
  const told = { rounds, running, queued, drainSeconds: DRAIN_SECONDS, ...outcome, violations };
  console.log(
    values.json
      ? JSON.stringify(told)
      : `${rounds} rounds over each: ${violations} violations\n${JSON.stringify(outcome)}`,
  );
}
