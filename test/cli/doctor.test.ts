import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'gaffr-doctor-'));
const run = promisify(execFile);

async function gaffr(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['dist/cli/main.js', ...args]);
    return { code: 0, out: stdout, err: stderr };
  } catch (cause) {
    const { code, stdout, stderr } = cause as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

function historyOf(...events: object[]): string {
  const path = join(folder, `${Math.random()}.ndjson`);
  writeFileSync(path, events.map((event) => JSON.stringify(event)).join('\n'));
  return path;
}

const taskId = 't1';
const begun = [
  { type: 'limits', maxParallel: 1 },
  { type: 'submitted', atMs: 0, taskId, priority: 0 },
  { type: 'queued', atMs: 0, taskId, service: 'a' },
  { type: 'started', atMs: 1, taskId, service: 'a', instance: 'a#0', attempt: 1 },
];
const settled = {
  type: 'settled',
  atMs: 2,
  taskId,
  service: 'a',
  status: 'completed',
  result: { attempts: 1, errorCode: null },
};

describe('gaffr doctor', () => {
  it('finds nothing in the history that a real run wrote, which holds no text of a task', async () => {
    const path = join(folder, 'run.ndjson');
    const ran = await gaffr('run', 'What is 2 + 3?', 'What is 1/0?', '--history', path, '--json');
    expect(ran.code).toBe(1);
    const judged = await gaffr('doctor', path, '--json');
    expect(judged).toMatchObject({ code: 0 });
    expect(JSON.parse(judged.out)).toMatchObject({ tasks: 2, unsettled: 0, violations: [] });
    expect(readFileSync(path, 'utf8')).not.toContain('2 + 3');
  });

  it('names the promise that was broken and ends with 1', async () => {
    const judged = await gaffr('doctor', historyOf(...begun, settled, settled));
    expect(judged.code).toBe(1);
    expect(judged.out).toMatch(/^I[45] at 2\.0 ms: .*t1/);
  });

  it('finds nothing to mend in the routing of the built-in services', async () => {
    const { code, out } = await gaffr('doctor', '--no-config');
    expect(code).toBe(0);
    expect(out).toContain('✓ routing: the services are told apart well\n');
    const checks = JSON.parse((await gaffr('doctor', '--no-config', '--json')).out);
    expect(checks).toContainEqual(expect.objectContaining({ subject: 'routing', status: 'ok' }));
  });

  it.each([
    ['a file that is not there', ['doctor', join(folder, 'none')], 3, /cannot be read/],
    ['an empty file', ['doctor', historyOf()], 3, /holds no fact of any task/],
    [
      'a file with limits only',
      ['doctor', historyOf({ type: 'limits' }), '--json'],
      3,
      /holds no fact of any/,
    ],
    ['a line that is no event', ['doctor', historyOf(...begun, { type: 'settled' })], 3, /Line 5/],
    ['two files', ['doctor', 'a', 'b'], 2, /takes one history file/],
  ])('says what is wrong with %s', async (_, args, code, message) => {
    const judged = await gaffr(...args);
    expect(judged.code).toBe(code);
    expect(judged.err).toMatch(message);
  });
});
