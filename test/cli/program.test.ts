import { describe, expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import { silentLog } from '../../src/core/environment.js';
import { fakeTerminal } from '../support/fake-terminal.js';

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await runProgram(argv, { terminal, log: silentLog, version: '1.2.3' });
  return { code, out: terminal.printed.join('\n'), err: terminal.told.join('\n') };
}

describe('runProgram()', () => {
  it('prints the version', async () => {
    expect(await run('--version')).toEqual({ code: 0, out: '1.2.3', err: '' });
  });

  it('prints the help of the program and of a command', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const name of ['serve', 'run', 'services', 'route', 'demo']) expect(out).toContain(`gaffr ${name}`);
    expect((await run('run', '--help')).out).toContain('--kwargs JSON');
  });

  it.each([
    [
      [],
      'Name a command: serve, run, services, tasks, worker, engine, route, machines, dashboard, replay, top, init, trust, doctor, demo.',
    ],
    [['rout', 'x'], 'There is no command "rout". Did you mean "route"?'],
    [['install'], 'There is no command "install"; known: serve'],
    [['run'], 'gaffr run takes at least one task'],
    [['run', ''], 'gaffr run takes tasks in words, and task 1 is empty.'],
    [['run', 'x', ''], 'gaffr run takes tasks in words, and task 2 is empty.'],
    [['run', 'x', '--service', ''], '--service must be the name of a service, not "".'],
    [['run', 'x', '--max-parallel', '1e20'], '--max-parallel must be a whole number at least 1'],
    [['dashboard', ''], 'gaffr dashboard takes tasks in words, and task 1 is empty.'],
    [['run', 'x', '--jsn'], 'There is no flag --jsn. Did you mean --json?'],
    [['run', 'x', '--kwargs', '{'], '--kwargs must be a JSON object: '],
    [['run', 'x', '--kwargs', '[1]'], '--kwargs must be a JSON object such as'],
    [['run', 'x', '--timeout', '0'], '--timeout must be a number above 0, not "0".'],
    [['run', 'x', '--max-parallel', '1.5'], '--max-parallel must be a whole number at least 1'],
    [['route', 'x', '--threshold', '2'], '--threshold must be a number at least 0 and at most 1'],
    [['route', 'two', 'tasks'], 'gaffr route takes one task'],
    [['route', ''], 'gaffr route takes one task'],
    [['route', 'x', '--eval', 'y'], 'gaffr route takes a task or --eval FILE, not both.'],
    [
      ['serve', 'my.config.json'],
      'gaffr serve takes no argument, not "my.config.json"; name a configuration by --config my.config.json.',
    ],
    [['services', 'all'], 'gaffr services takes no argument, not "all".'],
    [['demo', 'all'], 'gaffr demo takes no argument, not "all".'],
    [['worker', 'restate'], 'gaffr worker takes no argument, not "restate".'],
    [['serve', '--allow-host', 'http://x'], '--allow-host must be HOST:PORT'],
  ])('answers %j with 2 and says what was meant', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toContain('Try: gaffr --help');
  });

  it.each([
    [['run', 'x', '--root', '/nowhere/at/all'], '--root /nowhere/at/all cannot be read'],
    [['services', '--root', 'package.json'], '--root package.json is no folder'],
    [['route', '--eval', '/nowhere/at/all'], '/nowhere/at/all cannot be read'],
  ])('answers %j with 3', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect(code).toBe(3);
    expect(err).toContain(message);
  });
});
