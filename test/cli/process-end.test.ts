import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { freshFolder, writeConfig } from '../config/support.js';
import { eventually, membersOf } from '../services/isolation-support.js';
import { ChildServer } from '../support/child-server.js';

const MAIN = resolve('dist/cli/main.js');

afterEach(() => vi.unstubAllEnvs());

/** `gaffr run` whose program has started a grandchild; and the group of that program. */
async function runProgram(): Promise<{ exited: Promise<unknown[]>; pid: number; group: number }> {
  const folder = freshFolder();
  vi.stubEnv('XDG_STATE_HOME', folder);
  writeFileSync(join(folder, 'kid.sh'), 'sleep 4242 & echo $$ > kid.pid; wait\n');
  const kid = { kind: 'subprocess', command: 'sh', args: ['kid.sh'] };
  const config = writeConfig({ services: { kid } }, folder);
  execFileSync(process.execPath, [MAIN, 'trust', '--config', config, '--yes'], { stdio: 'ignore' });
  const args = [MAIN, 'run', 'x', '--service', 'kid', '--config', config];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const file = join(folder, 'kid.pid');
  const hasStarted = () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n');
  for (let look = 0; look < 5 && !(await eventually(hasStarted)); look += 1);
  return { exited: once(child, 'exit'), pid: child.pid ?? -1, group: Number(readFileSync(file, 'utf8')) };
}

describe.skipIf(process.platform === 'win32')('gaffr, when it is told to end at once', () => {
  it.each([
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
    ['SIGUSR2', 128 + 12],
  ] as const)('takes what it has started along at %s', async (signal, code) => {
    const { exited, pid, group } = await runProgram();
    expect(membersOf(group)).toHaveLength(2);
    process.kill(pid, signal);
    expect((await exited)[0]).toBe(signal === 'SIGUSR2' && process.platform !== 'linux' ? 128 + 31 : code);
    expect(await eventually(() => membersOf(group).length === 0)).toBe(true);
  });

  it('goes on at a SIGHUP when it follows a file', async () => {
    const server = new ChildServer([MAIN, 'serve', '--config', writeConfig({})]);
    await server.initialize();
    server.child.kill('SIGHUP');
    server.send({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    expect((await server.answer(2)).result?.tools).toHaveLength(7);
    server.child.kill('SIGTERM');
    expect((await server.exited).code).toBe(0);
  });
});
