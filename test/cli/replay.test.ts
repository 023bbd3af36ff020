import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import { silentLog } from '../../src/core/environment.js';
import { fakeTerminal } from '../support/fake-terminal.js';

const TOKEN = 'a-token-of-more-than-thirty-two-letters';
const FACT = '{"type":"circuit","atMs":1,"service":"s","state":"open"}';

let folder = '';
let tokenFile = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gaffr-replay-'));
  tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'history.ndjson');
  await writeFile(path, text);
  return path;
}

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await runProgram(['replay', ...argv], { terminal, log: silentLog, version: '1.2.3' });
  return { code, out: terminal.printed.join('\n'), err: terminal.told.join('\n') };
}

describe('gaffr replay', () => {
  it.each([
    ['', /history\.ndjson cannot be shown: It holds no fact of any task \(lines read: 1\)/],
    ['no history\n', /cannot be shown: Line 1 of the history is no JSON/],
    [`${FACT}\n{"type":"queued"}\n`, /cannot be shown: Line 2 of the history is no event/],
    ['\u001b]0;owned\u0007\n', /Line 1/],
  ])('says why it cannot show %j, and ends with 3', async (text, why) => {
    const { code, out, err } = await run(await fileOf(text), '--port', '0', '--token-file', tokenFile);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(why);
    // What the file holds does not reach the terminal as anything but letters.
    expect(err.replaceAll('\n', '')).not.toMatch(/\p{Control}/u);
  });

  it.each([
    [[join(tmpdir(), 'no-such-history')], 3, /cannot be shown: ENOENT/],
    [[tmpdir()], 3, /cannot be shown: It is no file\./],
    [[], 2, /takes one history file/],
    [['a', 'b'], 2, /takes one history file/],
    [['a', '--keep-events', '0'], 2, /--keep-events must be a whole number at least 1/],
    [['a', '--port', '70000'], 2, /--port must be a whole number/],
  ])('answers %j with %d', async (argv, expected, why) => {
    const { code, err } = await run(...argv);
    expect(code).toBe(expected);
    expect(err).toMatch(why);
  });

  it('serves the page until it is asked to stop, and tells what is left out', async () => {
    const lines = Array.from({ length: 30 }, (_, atMs) => FACT.replace('"atMs":1', `"atMs":${atMs}`));
    const path = await fileOf(`${lines.join('\n')}\n{"type":"circ`);
    const terminal = fakeTerminal();
    const argv = ['replay', path, '--port', '0', '--keep-events', '10', '--token-file', tokenFile];
    const ended = runProgram(argv, { terminal, log: silentLog, version: '1.2.3' });
    const address = (): string | undefined =>
      terminal.told.map((line) => /http:\/\/\S+/.exec(line)?.[0]).find(Boolean);
    await expect.poll(address, { interval: 5 }).toBeDefined();
    expect(terminal.told.join('\n')).toMatch(/the first 20 facts are shown only/);
    expect(terminal.told.join('\n')).toMatch(/last line was not written to its end/);
    // Elsewhere than on a terminal the token is not said.
    expect(terminal.told.join('\n')).not.toContain(TOKEN);
    const response = await fetch(`${address()}/api/now`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await response.json()).toMatchObject({ type: 'recording', name: 'history.ndjson', facts: 10 });
    for (const flags of [[], ['--json']]) {
      const top = fakeTerminal();
      const looked = ['top', address() ?? '', '--token-file', tokenFile, ...flags];
      expect(await runProgram(looked, { terminal: top, log: silentLog, version: '1.2.3' })).toBe(3);
      expect(top.told.join()).toContain('shows a recorded history');
    }
    process.emit('SIGTERM');
    expect(await ended).toBe(0);
    await expect(fetch(`${address()}/`)).rejects.toThrow();
  });
});
