import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/cli/flags.js';
import { recordHistory } from '../../src/cli/history-file.js';
import { type Log, silentLog } from '../../src/core/environment.js';
import { createOrchestrator } from '../../src/orchestrator.js';
import { freshFolder } from '../config/support.js';
import { ChildServer } from '../support/child-server.js';

const MAIN = resolve('dist/cli/main.js');

function open(path: string, log: Log = silentLog) {
  const orchestrator = createOrchestrator({ services: { echo: (task: string) => task } });
  const args = parseFlags(['--history', path], { history: { type: 'string', value: 'FILE', help: '' } });
  return { orchestrator, history: recordHistory(orchestrator, args, log) };
}

describe('recordHistory()', () => {
  it.each([
    ['a folder', freshFolder(), /EISDIR/],
    ['a file in a folder that is not there', join(freshFolder(), 'none', 'x'), /ENOENT/],
  ])('refuses %s as soon as it is opened', async (_what, path, why) => {
    const { history } = open(path);
    const refusal = { name: 'ConfigurationError', message: expect.stringMatching(why) };
    await expect(history.opened).rejects.toMatchObject(refusal);
    await expect(history.close()).rejects.toMatchObject(refusal);
  });

  it.runIf(existsSync('/dev/full'))('tells once and at once that there is no more room', async () => {
    const told: string[] = [];
    let tell: () => void = () => {};
    const wasTold = new Promise<void>((resolveIt) => {
      tell = resolveIt;
    });
    const error = (_facts: object, message: string): void => {
      told.push(message);
      tell();
    };
    const { orchestrator, history } = open('/dev/full', { ...silentLog, error });
    await history.opened;
    await wasTold;
    await orchestrator.execute('x');
    await expect(history.close()).rejects.toMatchObject({ name: 'ConfigurationError' });
    expect(told).toEqual(['the history cannot be written any further']);
  });
});

describe('--history with a file that cannot be written', () => {
  it('ends run with 3 before a task runs', async () => {
    const [code, out, err] = await new Promise<unknown[]>((done) => {
      const args = [MAIN, 'run', 'What is 1 + 1?', '--no-config', '--history', freshFolder()];
      execFile(process.execPath, args, (error, ...texts) => done([error?.code, ...texts]));
    });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('cannot be written');
    expect(err).not.toContain('reasoning');
  });

  it('ends serve with 3 at its start', async () => {
    const server = new ChildServer([MAIN, 'serve', '--no-config', '--history', freshFolder()]);
    expect((await server.exited).code).toBe(3);
    expect(server.stderr).toContain('cannot be written');
  });
});
