import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkHistory, parseHistory } from '../../src/core/history.js';
import { ChildServer } from '../support/child-server.js';

const MAIN = 'dist/cli/main.js';

let folder: string;
let file: string;
let server: ChildServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gaffr-flight-'));
  file = join(folder, 'flight.ndjson');
  // What is trusted here is forgotten with the folder.
  vi.stubEnv('XDG_STATE_HOME', folder);
});
afterEach(async () => {
  await server?.kill();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A server whose one module may do anything. */
async function serve(...flags: string[]): Promise<ChildServer> {
  writeFileSync(
    join(folder, 'work.mjs'),
    `export default async (task) => {
      if (task.includes('timer')) setTimeout(() => { throw new Error('left behind'); }, 5);
      if (task.includes('reject')) Promise.reject(new Error('left behind'));
      await new Promise((resolve) => setTimeout(resolve, task.includes('slow') ? 60_000 : 1));
      return 'done';
    };`,
  );
  const config = join(folder, 'gaffr.config.json');
  writeFileSync(config, JSON.stringify({ services: { work: { kind: 'module', module: './work.mjs' } } }));
  execFileSync(process.execPath, [MAIN, 'trust', '--config', config, '--yes'], { stdio: 'ignore' });
  const child = new ChildServer([MAIN, 'serve', '--config', config, '--flight-recorder', file, ...flags]);
  server = child;
  await child.initialize();
  return child;
}

function judged() {
  const { events, limits, cut } = parseHistory(readFileSync(file, 'utf8'));
  return { ...checkHistory(events, limits, cut), reason: cut?.reason };
}

it('serve --flight-recorder writes the latest facts at SIGUSR2, again and again, and goes on', async () => {
  const child = await serve('--keep-events', '20');
  for (let id = 10; id < 40; id += 1) child.call(id, { task: `SECRET ${id}`, service: 'work' });
  for (let id = 10; id < 40; id += 1) await child.answer(id);
  child.call(50, { task: 'slow', service: 'work' });
  child.child.kill('SIGUSR2');
  await child.said('wrote the flight record');
  expect(judged()).toMatchObject({ events: 20, violations: [], reason: 'SIGUSR2' });
  expect(judged().dropped).toBeGreaterThan(80);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain('SECRET');
  for (let count = 0; count < 20; count += 1) child.child.kill('SIGUSR2');
  child.call(60, { task: 'one more', service: 'work' });
  await child.answer(60);
  expect(judged().violations).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
});

it.each(['timer', 'reject'])(
  'serve --flight-recorder writes the facts when a %s ends the process, and it still ends with 70',
  async (what) => {
    const child = await serve();
    child.call(10, { task: 'slow', service: 'work' });
    child.call(11, { task: what, service: 'work' });
    expect((await child.exited).code).toBe(70);
    const report = judged();
    expect(report).toMatchObject({ violations: [], unsettled: expect.any(Number), tasks: 2 });
    expect(report.reason).toMatch(/uncaughtException|unhandledRejection/);
  },
);

it('a record that cannot be written is told, and nothing else changes', async () => {
  const child = await serve();
  rmSync(file, { force: true });
  // A folder in its place cannot be replaced.
  symlinkSync('/proc/none', `${file}.${child.child.pid}.part`);
  writeFileSync(join(folder, 'blocker'), '');
  rmSync(join(folder, 'work.mjs'));
  mkdirSync(join(file, 'inside'), { recursive: true });
  child.child.kill('SIGUSR2');
  await child.said('the flight record cannot be written');
  expect(existsSync(join(file, 'inside'))).toBe(true);
  child.child.kill('SIGTERM');
  expect((await child.exited).code).toBe(0);
});

it('refuses a folder that is not there, and a count without a file, before anything runs', async () => {
  const fail = async (...flags: string[]): Promise<[number | null, string]> => {
    const child = new ChildServer([MAIN, 'run', 'What is 1 + 1?', ...flags]);
    server = child;
    const { code } = await child.exited;
    return [code, child.stderr];
  };
  expect(await fail('--flight-recorder', join(folder, 'none', 'x'))).toEqual([
    3,
    expect.stringContaining('cannot be written'),
  ]);
  expect(await fail('--flight-recorder', folder)).toEqual([3, expect.stringContaining('it is a folder')]);
  expect(await fail('--keep-events', '5')).toEqual([
    2,
    expect.stringContaining('--keep-events needs --flight-recorder'),
  ]);
  expect(await fail('--flight-recorder', file, '--keep-events', '0')).toEqual([
    2,
    expect.stringContaining('--keep-events must be'),
  ]);
  expect(await fail('--log-level', 'loud')).toEqual([2, expect.stringContaining('--log-level must be')]);
  expect(existsSync(file)).toBe(false);
});
