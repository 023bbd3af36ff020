import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { BusyError } from '../../src/cli/exit-code.js';
import { runProgram } from '../../src/cli/program.js';
import { deskBehind, doorOf } from '../../src/cli/tasks/door.js';
import { openTaskDoor } from '../../src/cli/tasks/open-desk.js';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator } from '../../src/index.js';
import { fakeTerminal } from '../support/fake-terminal.js';
import { drained, manualService } from '../support/simulation.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-tasks-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'tasks.journal');
}

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await runProgram([...argv, '--no-config'], { terminal, log: silentLog, version: '1.2.3' });
  return { code, out: terminal.printed.join('\n'), err: terminal.told.join('\n') };
}

/** A journal with one completed and one failed task, and one that waits. */
async function filled(): Promise<string> {
  const path = newPath();
  const orchestrator = createOrchestrator({
    engine: { kind: 'journal', path },
    services: { echo: (task) => `said ${task}`, down: () => Promise.reject(new Error('no luck')) },
    config: { taskConfig: { maxRetries: 0 }, routingConfig: { fallbackService: null } },
    log: silentLog,
  });
  await orchestrator.execute('hello', { service: 'echo', taskId: 'well' });
  await orchestrator.execute('hello', { service: 'down', taskId: 'ill', kwargs: { n: 1 } });
  orchestrator.pause();
  void orchestrator.execute('later', { service: 'echo', taskId: 'waits' });
  await drained();
  await orchestrator.close({ drainSeconds: 0 });
  return path;
}

describe('gaffr tasks, while no process has the journal', () => {
  it('lists all tasks, or those of a state', async () => {
    const path = await filled();
    const { code, out } = await run('tasks', '--journal', path);
    expect(code).toBe(0);
    expect(out).toMatch(/well +completed +echo +1/);
    expect(out).toMatch(/ill +failed +down +1 .*SERVICE_FAILED/);
    expect(out).toMatch(/waits +queued/);
    const dead = JSON.parse((await run('tasks', 'list', '--which', 'dead', '--json', '--journal', path)).out);
    expect(dead).toMatchObject([{ taskId: 'ill', status: 'failed' }]);
    expect((await run('tasks', '--which', 'running', '--journal', path)).out).toBe('No such tasks are kept.');
  });

  it('shows a task with its words and its result', async () => {
    const path = await filled();
    expect((await run('tasks', 'show', 'well', '--journal', path)).out).toContain('said hello');
    expect((await run('tasks', 'show', 'ill', '--journal', path)).out).toMatch(
      /kwargs: \{"n":1\}[\s\S]*no luck/,
    );
    expect(await run('tasks', 'show', 'nobody', '--journal', path)).toMatchObject({
      code: 1,
      err: 'No task "nobody" is kept.',
    });
  });

  it('tries a failed task again, and cancels one that waits: the next start finds it so', async () => {
    const path = await filled();
    expect(await run('tasks', 'retry', 'ill', '--journal', path)).toMatchObject({
      code: 0,
      err: 'ill: accepted again',
    });
    expect(await run('tasks', 'cancel', 'waits', '--journal', path)).toMatchObject({
      code: 0,
      err: 'waits: cancelled',
    });
    expect((await run('tasks', 'retry', 'well', 'ill', '--journal', path)).code).toBe(1);
    const service = manualService();
    const orchestrator = createOrchestrator({
      engine: { kind: 'journal', path },
      services: { echo: service, down: service },
      log: silentLog,
    });
    for (let turn = 0; turn < 6; turn += 1) await drained();
    expect(service.calls.map(({ context }) => [context.taskId, context.attempt])).toEqual([['ill', 1]]);
    service.open()[0]?.resolve('up again');
    expect(await orchestrator.kept.result('ill')).toMatchObject({ result: 'up again' });
    await orchestrator.close();
  });

  it('prints JSON of whatever is asked with --json', async () => {
    const path = await filled();
    const asked = async (...argv: string[]) => {
      const { code, out } = await run('tasks', ...argv, '--json', '--journal', path);
      return { code, value: JSON.parse(out) };
    };
    expect(await asked('show', 'well')).toMatchObject({ code: 0, value: { taskId: 'well' } });
    expect(await asked('show', 'nobody')).toEqual({ code: 1, value: null });
    expect(await asked('retry', 'ill', 'well')).toEqual({
      code: 1,
      value: [
        { taskId: 'ill', isDone: true },
        { taskId: 'well', isDone: false },
      ],
    });
    expect(await asked('cancel', 'waits')).toEqual({
      code: 0,
      value: [{ taskId: 'waits', isDone: true }],
    });
  });

  it('keeps a secret of the configuration out of what it shows of a task', async () => {
    const path = newPath();
    const secret = 'secret-of-the-model';
    const model = { kind: 'openai', baseURL: 'http://127.0.0.1:9/v1', model: 'm', apiKey: '${env:KEY}' };
    const config = join(dirname(path), 'gaffr.config.json');
    const content = JSON.stringify({ engine: { kind: 'journal', path }, services: { model } });
    writeFileSync(config, content, { mode: 0o600 });
    const engine = { kind: 'journal', path } as const;
    const orchestrator = createOrchestrator({ engine, services: { echo: (task) => task }, log: silentLog });
    await orchestrator.execute(`use ${secret}`, { taskId: 'told' });
    await orchestrator.close();
    const argv = ['dist/cli/main.js', 'tasks', 'show', 'told', '--config', config];
    const { stdout } = await promisify(execFile)(process.execPath, argv, {
      env: { ...process.env, KEY: secret },
    });
    expect(stdout).toContain('use [redacted]');
    expect(stdout).not.toContain(secret);
  });

  it('says what is wrong with a command line', async () => {
    const path = await filled();
    expect((await run('tasks', 'burn', '--journal', path)).err).toContain(
      'takes list, show ID, cancel ID or retry ID',
    );
    expect((await run('tasks', 'show', '--journal', path)).code).toBe(2);
    expect((await run('tasks', '--which', 'odd', '--journal', path)).err).toContain('--which must be one of');
    expect((await run('tasks')).err).toContain('No journal is named');
    expect(await run('tasks', '--journal', `${path}x`)).toMatchObject({ code: 3 });
  });

  it('a damaged journal ends the command with the code of a configuration', async () => {
    const path = await filled();
    writeFileSync(path, readFileSync(path).fill(0, 0, 16));
    expect(await run('tasks', '--journal', path)).toMatchObject({
      code: 3,
      err: expect.stringContaining('--repair'),
    });
  });
});

describe('gaffr tasks, while a process has the journal', () => {
  async function running() {
    const path = newPath();
    const service = manualService();
    const engine = { kind: 'journal', path } as const;
    const orchestrator = createOrchestrator({ engine, services: { only: service }, log: silentLog });
    const door = await openTaskDoor(orchestrator, engine, silentLog);
    cleanUps.push(
      () => orchestrator.close({ drainSeconds: 0 }),
      () => door.close(),
    );
    return { path, service, orchestrator };
  }

  it('asks that process, at a socket for its user only', async () => {
    const { path, service, orchestrator } = await running();
    const result = orchestrator.execute('x', { taskId: 'mine' });
    for (let turn = 0; turn < 6; turn += 1) await drained();
    expect((await run('tasks', '--journal', path)).out).toMatch(/mine +running +only/);
    expect((await run('tasks', 'show', 'mine', '--journal', path)).out).toContain('mine: running');
    if (process.platform !== 'win32') expect(statSync(`${path}.sock`).mode & 0o777).toBe(0o600);
    expect((await run('tasks', 'cancel', 'mine', '--journal', path)).code).toBe(0);
    expect((await result).status).toBe('cancelled');
    expect(service.calls[0]?.context.signal.aborted).toBe(true);
    expect((await run('tasks', 'retry', 'mine', '--journal', path)).code).toBe(1);
  });

  it.each([
    [['show', 'i'.repeat(300)], 'The id of a task has 1 to 256 characters, not 300.'],
    [['cancel', ''], 'The id of a task has 1 to 256 characters, not 0.'],
    [['retry', 'well', ''], 'The id of a task has 1 to 256 characters'],
    [['--most', '1e20'], '--most must be a whole number at least 1 and at most'],
    [['cancel', 'a', '--reason', 'r'.repeat(12_000)], '--reason takes at most 1000 characters, not 12000.'],
  ])('what no task can be called is told before anybody is asked (%#)', async (argv, message) => {
    const { path } = await running();
    const { code, err } = await run('tasks', ...argv, '--journal', path);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('takes the longest id and the longest reason, whatever letters they have', async () => {
    const { path, orchestrator } = await running();
    const taskId = '"'.repeat(256);
    const result = orchestrator.execute('x', { taskId });
    for (let turn = 0; turn < 6; turn += 1) await drained();
    const reason = '\u0001'.repeat(1000);
    expect((await run('tasks', 'cancel', taskId, '--reason', reason, '--journal', path)).code).toBe(0);
    expect((await result).error).toContain(reason);
  });

  it('takes an empty reason for none', async () => {
    const { path, orchestrator } = await running();
    const result = orchestrator.execute('x', { taskId: 'mine' });
    for (let turn = 0; turn < 6; turn += 1) await drained();
    await run('tasks', 'cancel', 'mine', '--reason', '', '--journal', path);
    expect((await result).error).toBe('The task was cancelled: cancelled by gaffr tasks');
  });

  it.each([
    ['hangs up', ''],
    ['answers by half', '{"answer": tr'],
  ])('says that the process has gone when it %s, and ends with 75', async (_, words) => {
    const path = newPath();
    const orchestrator = createOrchestrator({ engine: { kind: 'journal', path }, log: silentLog });
    let asked = 0;
    const door = createServer({ allowHalfOpen: true }, (socket) => {
      asked += 1;
      socket.resume().on('end', () => socket.end(asked < 3 ? '{"answer":true}' : words));
    });
    await new Promise<void>((ready) => void door.listen(doorOf(path), ready));
    cleanUps.push(
      () => orchestrator.close(),
      () => door.close(),
    );
    const { code, err } = await run('tasks', 'cancel', 'one', 'two', '--journal', path);
    expect(code).toBe(75);
    expect(err).toContain('one: cancelled\n');
    expect(err).toMatch(
      /The process with the journal ".*" has gone \(it sent no whole answer\); try again\./,
    );
  });

  it('says so when nobody is behind the door any more', async () => {
    await expect(deskBehind(newPath()).find('x')).rejects.toThrow(BusyError);
  });

  it('fault P8: a second process is refused with exit code 75', async () => {
    const { path } = await running();
    const { code, err } = await run('run', 'hello', '--service', 'reasoning', '--journal', path);
    expect(code).toBe(75);
    expect(err).toContain('belongs to another process that runs');
  });

  it('an application without a door is in use, and says so', async () => {
    const path = newPath();
    const orchestrator = createOrchestrator({ engine: { kind: 'journal', path }, log: silentLog });
    cleanUps.push(() => orchestrator.close());
    expect((await run('tasks', '--journal', path)).code).toBe(75);
  });
});

describe('gaffr run with an engine', () => {
  it('records what it runs', async () => {
    const path = newPath();
    expect((await run('run', '2 + 3 * 4', '--service', 'reasoning', '--journal', path)).code).toBe(0);
    expect((await run('tasks', '--journal', path)).out).toMatch(/completed +reasoning/);
    expect(existsSync(`${path}.sock`)).toBe(false);
  });

  it.each([
    ['tasks', 'show', 'x'],
    ['run', '2 + 3'],
  ])('says that a folder is no journal: gaffr %s', async (...argv) => {
    const folder = dirname(newPath());
    const { code, err } = await run(...argv, '--journal', folder);
    expect({ code, err }).toEqual({
      code: 3,
      err: `The journal "${folder}" cannot be opened: it is a folder; name a file in a folder that can be written.`,
    });
    expect((await run(...argv, '--journal', '')).code).toBe(2);
  });

  it('refuses flags that do not go together', async () => {
    expect((await run('run', 'x', '--engine', 'redis')).err).toContain(
      '--engine must be local, journal or restate',
    );
    expect((await run('run', 'x', '--engine', 'restate', '--journal', 'f')).err).toContain(
      '--journal means nothing',
    );
    expect((await run('run', 'x', '--engine', 'journal', '--ingress', 'http://x')).code).toBe(2);
    expect((await run('run', 'x', '--ingress', 'nowhere')).err).toContain('--ingress must be an address');
    expect((await run('run', 'x', '--engine', 'journal')).err).toContain('--journal FILE');
    expect((await run('run', 'x', '--engine', 'local', '--journal', 'f')).code).toBe(2);
    expect((await run('run', 'x', '--repair')).code).toBe(2);
  });
});
