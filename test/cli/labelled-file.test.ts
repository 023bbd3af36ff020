import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabelledTasks } from '../../src/cli/routing/labelled-file.js';

const folder = mkdtempSync(join(tmpdir(), 'gaffr-labelled-'));
let files = 0;

function fileOf(text: string): string {
  const path = join(folder, `${files++}.jsonl`);
  writeFileSync(path, text);
  return path;
}

async function read(path: string) {
  const tasks = [];
  for await (const task of readLabelledTasks(path, ['vision', 'chat'])) tasks.push(task);
  return tasks;
}

describe('readLabelledTasks()', () => {
  it('reads a task a line, with any line ends, a byte order mark and empty lines', async () => {
    const text = '\uFEFF{"task":"a","service":"vision"}\r\n\n  \n{"service":null,"task":"ü画"}';
    expect(await read(fileOf(text))).toEqual([
      { text: 'a', service: 'vision' },
      { text: 'ü画', service: null },
    ]);
  });

  it('reads lines across the pieces in which a file arrives', async () => {
    const task = 'ü'.repeat(50_000);
    const line = JSON.stringify({ task, service: 'chat' });
    const tasks = await read(fileOf(`${line}\n${line}\n${line}`));
    expect(tasks.map(({ text }) => text === task)).toEqual([true, true, true]);
  });

  it.each([
    ['nope', /line 2 is no labelled task \(.*JSON/],
    ['{"task":"x"}', /line 2 is no labelled task \(service: /],
    ['{"task":"","service":null}', /line 2 is no labelled task \(task: /],
    ['{"task":7,"service":null}', /line 2 is no labelled task \(task: /],
    ['{"task":"x","service":null,"note":1}', /line 2 is no labelled task \(.*"note"/],
    ['[]', /line 2 is no labelled task/],
    [
      '{"task":"x","service":"visoin"}',
      /line 2 names the service "visoin".*did you mean "vision"\?.*known: vision, chat/,
    ],
  ])('refuses %s by its line', async (line, message) => {
    const path = fileOf(`{"task":"a","service":null}\n${line}\n`);
    await expect(read(path)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(message),
    });
  });

  it('shows no control character of what it refuses', async () => {
    for (const line of ['\u001b[2Jx', '{"task":"x","service":"\u202e\u009b[2J"}']) {
      const refused = read(fileOf(line));
      await expect(refused).rejects.toThrow(/^[^\p{Cc}\p{Bidi_Control}]+$/u);
    }
  });

  it('repeats only the beginning of what is long', async () => {
    const long = 'x'.repeat(900_000);
    for (const line of [`{"${long}":1}`, `{"task":"x","service":"${long}"}`]) {
      const refused = await read(fileOf(line)).catch((cause: Error) => cause.message);
      expect(String(refused).length).toBeLessThan(800);
    }
  });

  it.each([
    ['an empty file', fileOf('\n \n'), /holds no labelled task; write one a line/],
    ['a missing file', join(folder, 'none'), /cannot be read: ENOENT/],
    ['a folder', folder, /cannot be read: EISDIR/],
    ['a line without end', fileOf('x'.repeat(2_000_000)), /line 1 is longer than 1048576 characters/],
  ])('refuses %s', async (_, path, message) => {
    await expect(read(path)).rejects.toThrow(message);
  });

  it('closes the file when the reader stops early', async () => {
    const path = fileOf('{"task":"a","service":null}\n'.repeat(100_000));
    for await (const { text } of readLabelledTasks(path, [])) {
      expect(text).toBe('a');
      break;
    }
  });
});
