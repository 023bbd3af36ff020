import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

const MAIN = resolve('dist/cli/main.js');
const args = ['run', 'What is 2 + 3?', '--no-config'];

describe('a command whose output cannot be written', () => {
  it.runIf(existsSync('/dev/full')).each([
    ['a result', args],
    ['a result as JSON', [...args, '--json']],
    ['a list', ['route', 'What is 2 + 3?', '--no-config', '--json']],
  ])('says so once and ends with 1: %s', async (_what, given) => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [MAIN, ...given], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    const [err, [code]] = await Promise.all([text(child.stderr as Readable), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(err.match(/cannot be written to stdout: .*ENOSPC/g)).toHaveLength(1);
  });

  it('ends as usual when its reader has left', async () => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(0);
    expect(err).not.toContain('cannot be written');
  });
});
