import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

/** Packages that a user of the root import need not pay for: optional ones, and heavy ones of single services. */
const lazyPackages = [
  ...Object.keys({ ...manifest.optionalDependencies, ...manifest.peerDependencies }),
  '@modelcontextprotocol/client',
  '@modelcontextprotocol/server',
  '@modelcontextprotocol/sdk',
  '@mozilla/readability',
  'linkedom',
  'mathjs',
  'minisearch',
  're2js',
  'undici',
  'unpdf',
];

it('the root import loads no package that only one service, face or engine needs', () => {
  const loaded = packagesLoadedBy('dist/index.js');

  expect(loaded).toContain('xstate');
  expect(loaded.filter((name) => lazyPackages.includes(name))).toEqual([]);
});

it('the root import loads the packages that docs/DEPENDENCIES.md says it always loads, and no other', () => {
  const page = readFileSync(new URL('docs/DEPENDENCIES.md', root), 'utf8');
  const always = [...page.matchAll(/^\| `([^`]+)` .*\| always \|$/gm)].map(([, name]) => name);

  expect(packagesLoadedBy('dist/index.js')).toEqual(always.sort());
});

it.each(['ai-sdk', 'claude-agent-sdk', 'langchain', 'mastra', 'openai-agents', 'xstate'])(
  'gaffr/%s loads no framework, and so needs none to be installed',
  (name) => {
    expect(packagesLoadedBy(`dist/adapters/${name}.js`).filter((each) => each !== 'zod')).toEqual([]);
  },
);

it('gaffr --version loads no package', () => {
  expect(packagesLoadedBy('dist/cli/main.js', '--version')).toEqual([]);
});

it('gaffr serve loads no package that only HTTP or a task needs', () => {
  expect(packagesLoadedBy('dist/cli/main.js', 'serve')).toEqual([
    '@modelcontextprotocol/core',
    '@modelcontextprotocol/server',
    'eventemitter3',
    'stemmer',
    'xstate',
    'zod',
  ]);
});

/** Names of the packages that a file of the build loads, by import or require, in a process of its own without input. */
function packagesLoadedBy(file: string, ...args: readonly string[]): string[] {
  const recorder = new URL('record-loads.mjs', import.meta.url).href;
  const output = execFileSync(process.execPath, ['--import', recorder, file, ...args], {
    cwd: root,
    encoding: 'utf8',
    input: '',
  });
  const names = output.matchAll(/^loaded .*node_modules\/((?:@[^/]+\/)?[^/\n]+)/gm);
  return [...new Set([...names].map(([, name]) => name ?? ''))].sort();
}
