import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { apiReport, REPORT } from '../../scripts/api.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('the public names and their types are those of the report', () => {
  const report = apiReport(root).split('\n');
  const kept = readFileSync(REPORT, 'utf8').split(/\r?\n/);
  const changed = [
    ...kept.filter((line) => !report.includes(line)).map((line) => `- ${line}`),
    ...report.filter((line) => !kept.includes(line)).map((line) => `+ ${line}`),
  ];
  const message =
    'What users see of gaffr differs from test/structure/api-report.md. If that is meant, run "npm run api", read the ' +
    `difference in git, and commit it with the change:\n${changed.join('\n')}`;
  expect(report.join('\n') === kept.join('\n'), message).toBe(true);
});

it('apiReport() follows names to their declarations, in other files too, and leaves comments and privates out', () => {
  const folder = packageOf({
    'index.d.ts': "export { make as create } from './make.js';\nexport type { Only } from './types.js';\n",
    'make.d.ts': [
      "import type { Options } from './types.js';",
      '/** Makes it. */',
      "export declare function make(options: Options): import('./made.js').Made;",
      'export declare function unseen(): void;',
    ].join('\n'),
    'made.d.ts': 'export interface Made {\n  /** How much. */\n  size: number;\n}\ninterface Unseen {}\n',
    'types.d.ts':
      'type Name = string;\nexport interface Options { name: Name; }\nexport type Only = 1;\nexport type Unseen = 2;\n',
  });

  const report = apiReport(folder);

  expect(report).toContain('## sample\n\n- Only (type)\n- create\n');
  expect(report).toContain("export declare function make(options: Options): import('./made.js').Made;\n```");
  expect(report).toContain('export interface Made {\n  size: number;\n}');
  expect(report).toContain('type Name = string;\nexport interface Options { name: Name; }');
  expect(report).not.toMatch(/unseen|Makes it|How much/i);
});

it('apiReport() refuses an export that leads nowhere', () => {
  const folder = packageOf({
    'index.d.ts': "export { gone } from './other.js';\n",
    'other.d.ts': 'export {};',
  });

  expect(() => apiReport(folder)).toThrow(/exports "gone", which leads to no declaration/);
});

function packageOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-api-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'dist'));
  const manifest = {
    name: 'sample',
    exports: { '.': { types: './dist/index.d.ts' }, './x.json': './x.json' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'dist', name), text);
  return folder;
}
