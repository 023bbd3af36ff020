import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { generated } from '../../scripts/readme.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const run = promisify(execFile);

/** Every line of every `sh` block, without its comment. */
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => (block ?? '').trim().split('\n'))
  .map((line) => line.replace(/\s+#.*$/, ''));
const own = commands.filter((command) => command.startsWith('npx gaffr '));
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(2);

describe('README.md', () => {
  it('holds the machines and the quick start as they are', async () => {
    expect(await generated(readme)).toBe(readme);
  });

  it('shows the two commands first, and no command that is not run here', () => {
    expect(commands.slice(0, 2)).toEqual(['npm start', 'npm test']);
    expect(commands.slice(2)).toEqual(own);
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']));
    expect(scripts.start).toContain('dist/cli/main.js demo');
  });

  it.each(own)('%s works', async (command) => {
    const { stdout } = await run(process.execPath, ['dist/cli/main.js', ...wordsOf(command)], { cwd: root });
    expect(stdout).not.toBe('');
  });

  it('has a quick start that runs', async () => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'examples/quick-start.ts'], {
      cwd: root,
    });
    expect(stdout).toContain('vision keywords extract, pdf');
    expect(stdout).toContain("[ 'completed', 'completed' ]");
  });

  it('prints in the demo what it shows, task by task', async () => {
    const { stdout } = await run(process.execPath, ['dist/cli/main.js', 'demo'], { cwd: root });
    const shown = (readme.match(/^[✓○] {2}.*$/gm) ?? []).map(taskAndService);
    expect((stdout.match(/^[✓○] {2}.*$/gm) ?? []).map(taskAndService)).toEqual(shown);
    expect(shown.length).toBeGreaterThan(10);
  }, 120_000);
});

/** The mark, the task and the service of a line of the demo; ports and times differ from run to run. */
function taskAndService(line: string): string {
  return line
    .slice(0, 51)
    .replace(/127\.0\.0\.1:\d+…?/, '')
    .trim();
}
