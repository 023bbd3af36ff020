import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { KeywordStrategy } from '../../src/strategies/keyword-strategy.js';
import { BUILT_IN, textOf } from '../strategies/support.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}docs/ROUTING.md`, 'utf8');

/** Blocks in order, each with its language. */
const blocks = [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
/** Blocks of a language, each with the output that is shown below it. */
const shown = (language: string) =>
  blocks.flatMap((block, at) => {
    const next = blocks[at + 1];
    if (block.language !== language) return [];
    return [[block.text.trim(), next?.language === 'text' ? next.text : undefined] as const];
  });

/** Programs lie in the checkout, so that they find the package by its name; commands run elsewhere. */
const programs = join(root, 'out', 'docs-routing');
const folder = mkdtempSync(join(tmpdir(), 'gaffr-docs-'));
mkdirSync(programs, { recursive: true });
for (const [text] of shown('jsonl')) writeFileSync(join(folder, 'labelled.jsonl'), text);
afterAll(() => {
  rmSync(programs, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

describe('docs/ROUTING.md', () => {
  it('shows no block that is not run here, and an output below each', () => {
    const kinds = blocks.map(({ language }) => language);
    expect([...new Set(kinds)].sort()).toEqual(['jsonl', 'sh', 'text', 'ts']);
    for (const [text, output] of [...shown('ts'), ...shown('sh')])
      expect([text, output]).not.toContain(undefined);
  });

  it.each(shown('sh'))('%s prints what is shown', async (command, output) => {
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    expect(words.slice(0, 2)).toEqual(['npx', 'gaffr']);
    const { stdout } = await run(process.execPath, [`${root}dist/cli/main.js`, ...words.slice(2)], {
      cwd: folder,
    });
    // A line with nothing but dots stands for what differs from machine to machine.
    const lines = output?.split('\n') ?? [];
    if (lines.includes('…')) {
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(lines.filter((line) => line !== '…')));
    } else expect(stdout).toBe(output);
  });

  it.each(shown('ts').map(([program, output], index) => ({ program, output, index })))(
    'program $index prints what is shown',
    async ({ program, output, index }) => {
      const path = join(programs, `program-${index}.ts`);
      writeFileSync(path, program);
      const { stdout } = await run(process.execPath, ['--import', 'tsx', path], { cwd: root });
      expect(stdout).toBe(output);
    },
  );

  const [, table = ''] = page.split(/<!-- \/?keyword table -->/);
  const rows = [...table.matchAll(/^\| (.+?) \|(.*)\|$/gm)]
    .map(([, task = '', candidates = '']) => [task, candidates.trim()] as const)
    .slice(1);

  it.each(rows)('has the confidences of "%s"', (task, candidates) => {
    expect(textOf(new KeywordStrategy().route(task, BUILT_IN))).toBe(candidates);
  });

  it('has a table of keywords worth the name, and links that lead somewhere', () => {
    expect(rows.length).toBeGreaterThan(12);
    for (const [, link = ''] of page.matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(() => readFileSync(`${root}docs/${link}`)).not.toThrow();
    }
  });
});
