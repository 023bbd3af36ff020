import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ChildServer } from '../support/child-server.js';
import { modernCall, TOKEN } from '../support/http-server.js';
import { startServer, type TestServer } from './server.js';

/** The built command line, as users start it. */
const GAFFR = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Takes as long as its task says, and writes down what becomes of it. */
const SLOW_MODULE = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const say = (line) => appendFileSync(new URL('seen.log', import.meta.url), line + '\\n');
export default async function slow(task, { signal, kwargs }) {
  say('began ' + task);
  try {
    await sleep(kwargs.ms, undefined, { signal });
  } catch (cause) {
    say('aborted ' + task);
    throw cause;
  }
  say('ended ' + task);
  return task.toUpperCase();
}
`;

interface Answer {
  readonly runId: string;
  readonly status: string;
  readonly result?: unknown;
}

let engine: TestServer;
let folder: string;
let worker: ChildServer;
const servers: HttpFace[] = [];

beforeAll(async () => {
  engine = await startServer();
  folder = mkdtempSync(join(tmpdir(), 'gaffr-two-'));
  writeFileSync(join(folder, 'slow.mjs'), SLOW_MODULE);
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  const services = { slow: { kind: 'module', module: './slow.mjs' } };
  writeFileSync(join(folder, 'gaffr.config.json'), JSON.stringify({ services }));
  // What is trusted is remembered there.
  vi.stubEnv('XDG_STATE_HOME', folder);
  vi.stubEnv('XDG_CONFIG_HOME', folder);
  execFileSync(process.execPath, [GAFFR, 'trust', '--yes', '--config', join(folder, 'gaffr.config.json')]);
  worker = new ChildServer([GAFFR, 'worker', '--port', '0', ...engineFlags()]);
  await worker.said('Worker at');
}, 60_000);

afterEach(async () => {
  for (const { process: child } of servers.splice(0)) await child.kill();
});

afterAll(async () => {
  await worker?.kill();
  await engine?.stop();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function engineFlags(): string[] {
  const { ingressUrl, adminUrl } = engine;
  const config = join(folder, 'gaffr.config.json');
  return ['--config', config, '--engine', 'restate', '--ingress', ingressUrl, '--admin', adminUrl];
}

/** Lines that the service wrote. */
function seen(): string[] {
  const path = join(folder, 'seen.log');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
}

async function untilSeen(line: string): Promise<void> {
  await expect.poll(seen, { timeout: 10_000, interval: 20 }).toContain(line);
}

/** An HTTP server of the command line. */
interface HttpFace {
  readonly process: ChildServer;
  /** Calls a tool; its text too, for refusals. */
  call(name: string, args: Record<string, unknown>): Promise<Answer & { readonly text: string }>;
}

async function serve(...flags: string[]): Promise<HttpFace> {
  const identity = flags.includes('--no-auth') ? [] : ['--token-file', join(folder, 'token')];
  const child = new ChildServer([GAFFR, 'serve', '--http', '0', ...identity, ...engineFlags(), ...flags]);
  const face: HttpFace = {
    process: child,
    async call(name, args) {
      const port = /127\.0\.0\.1:(\d+)\/mcp/.exec(child.stderr)?.[1];
      const { headers = {}, body = '' } = modernCall(args, name);
      const url = `http://127.0.0.1:${port}/mcp`;
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(20_000),
      });
      const text = await response.text();
      const json = /^\{.*\}$/m.exec(text.replace(/^data: /gm, ''))?.[0] ?? '{}';
      return { ...JSON.parse(json).result?.structuredContent, text };
    },
  };
  servers.push(face);
  await child.said('MCP over HTTP');
  return face;
}

/** Starts a run of the slow service and does not wait for it. */
async function startRun(face: HttpFace, task: string, ms: number): Promise<string> {
  const answer = await face.call('execute', { task, service: 'slow', kwargs: { ms }, waitSeconds: 0 });
  expect(answer).toMatchObject({ status: 'running' });
  return answer.runId;
}

describe('two servers on one engine', () => {
  it('the runs of a server that was killed are found by the other', async () => {
    const [a, b] = [await serve(), await serve()];
    const runId = await startRun(a, 'one', 1500);
    await untilSeen('began one');
    await a.process.kill();
    expect(await b.call('getRun', { runId, waitSeconds: 15 })).toMatchObject({
      runId,
      status: 'completed',
      result: 'ONE',
    });
    expect(seen().filter((line) => line === 'began one')).toHaveLength(1);
  });

  it('a server that is killed just after its answer leaves the run to the other', async () => {
    const [a, b] = [await serve(), await serve()];
    const runId = await startRun(a, 'at once', 300);
    await a.process.kill();
    expect(await b.call('getRun', { runId, waitSeconds: 15 })).toMatchObject({
      status: 'completed',
      result: 'AT ONCE',
    });
  });

  it('a run is cancelled by the other server: its service stops, and its own server knows', async () => {
    const [a, b] = [await serve(), await serve()];
    const runId = await startRun(a, 'two', 60_000);
    await untilSeen('began two');
    expect(await b.call('cancelRun', { runId })).toMatchObject({ wasRunning: true, status: 'cancelled' });
    await untilSeen('aborted two');
    expect(await a.call('getRun', { runId, waitSeconds: 10 })).toMatchObject({ status: 'cancelled' });
    expect(seen().filter((line) => line.endsWith(' two'))).toEqual(['began two', 'aborted two']);
  });

  it('a run of many tasks is taken up by the other server, and none of them runs twice', async () => {
    const [a, b] = [await serve(), await serve()];
    const tasks = ['m1', 'm2', 'm3'].map((task) => ({ task, service: 'slow', kwargs: { ms: 1000 } }));
    const { runId, status } = await a.call('executeParallel', { tasks, waitSeconds: 0 });
    expect(status).toBe('running');
    await untilSeen('began m3');
    await a.process.kill();
    expect(await b.call('getRun', { runId, waitSeconds: 15 })).toMatchObject({
      status: 'completed',
      results: [{ result: 'M1' }, { result: 'M2' }, { result: 'M3' }],
    });
    expect(seen().filter((line) => /^began m\d$/.test(line))).toHaveLength(3);
  });

  it('a run of another principal is not found, and cannot be cancelled', async () => {
    const [a, other] = [await serve(), await serve('--no-auth')];
    const runId = await startRun(a, 'three', 700);
    await untilSeen('began three');
    expect((await other.call('getRun', { runId, waitSeconds: 0 })).text).toContain('NOT_FOUND: ');
    expect((await other.call('cancelRun', { runId })).text).toContain('NOT_FOUND: ');
    expect(await a.call('getRun', { runId, waitSeconds: 10 })).toMatchObject({ result: 'THREE' });
  });

  it('a server that is stopped leaves what is under way to the other', async () => {
    const [a, b] = [await serve('--drain-seconds', '0'), await serve()];
    const runId = await startRun(a, 'four', 2000);
    await untilSeen('began four');
    a.process.child.kill('SIGTERM');
    expect((await a.process.exited).code).toBe(0);
    expect(await b.call('getRun', { runId, waitSeconds: 15 })).toMatchObject({
      status: 'completed',
      result: 'FOUR',
    });
    expect(seen().filter((line) => line.endsWith(' four'))).toEqual(['began four', 'ended four']);
  });

  it('a run that ended within the drain of its server has its result at the other', async () => {
    const [a, b] = [await serve('--drain-seconds', '5'), await serve()];
    const runId = await startRun(a, 'five', 500);
    await untilSeen('began five');
    a.process.child.kill('SIGTERM');
    expect((await a.process.exited).code).toBe(0);
    await sleep(50);
    expect(await b.call('getRun', { runId, waitSeconds: 15 })).toMatchObject({
      status: 'completed',
      result: 'FIVE',
    });
    expect(seen().filter((line) => line === 'began five')).toHaveLength(1);
  });
});
