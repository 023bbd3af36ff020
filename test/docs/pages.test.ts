import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../../scripts/pages.mjs';
import { load } from '../config/support.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const scripts = Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts);

/** Blocks that other tests run: of the adapters with their frameworks, and of examples/. */
const runElsewhere = new Set(['docs/EMBEDDING.md']);
/** Pages whose programs need a server: compiled here, and run by test/restate. */
const runWithServer = new Set(['docs/DISTRIBUTED.md']);
const stories = readdirSync(`${root}examples`)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(`${root}examples/${name}`, 'utf8').trim());

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'examples/README.md'],
  ...readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    .sort(),
].map((path) => ({ path, blocks: blocksOf(readFileSync(root + path, 'utf8')) }));

/** Programs lie in the checkout, so that they find the package by its name; commands run in a folder of the page. */
const programs = join(root, 'out', 'docs');
const home = mkdtempSync(join(tmpdir(), 'gaffr-docs-'));
const env = { ...process.env, XDG_STATE_HOME: join(home, 'state'), XDG_CONFIG_HOME: join(home, 'config') };
const folderOf = (path: string): string => join(home, path.replaceAll(/\W/g, '-'));

const all = pages.flatMap(({ path, blocks }) =>
  blocks.map((block, index) => ({ ...block, path, name: `${basename(path, '.md')}-${index}` })),
);
const ofLanguage = (language: string) => all.filter((block) => block.language === language);
const runnable = ofLanguage('ts').filter(
  ({ path, code, file }) => !runElsewhere.has(path) && !stories.includes(code.trim()) && file === undefined,
);
/** Commands of gaffr with what they print below them; what the demo prints is a test of README.md. */
const shown = ofLanguage('sh').filter(
  ({ output, code }) => output !== undefined && code.startsWith('npx gaffr'),
);
const lines = ofLanguage('sh').flatMap(({ path, code }) =>
  code
    .split('\n')
    .map((line) => ({ path, command: line.replace(/\s+#.*$/, '').trim() }))
    .filter(({ command }) => command !== ''),
);

/** A block behind the scene that its comment names: what the reader is taken to have already. */
function programOf({ code, scene, names }: (typeof all)[number]): string {
  if (scene === undefined) return `${code}\nexport {};\n`;
  return `import { ${names}, end } from '../../test/docs/scenes/${scene}.js';\n${code}\nawait end();\n`;
}

/** What the compiler says of all programs; it writes them as JavaScript, which starts faster. */
let complaints = '';

beforeAll(() => {
  rmSync(programs, { recursive: true, force: true });
  mkdirSync(programs, { recursive: true });
  for (const block of runnable) writeFileSync(join(programs, `${block.name}.ts`), programOf(block));
  const compilerOptions = {
    rootDir: '../..',
    outDir: 'js',
    noEmit: false,
    allowImportingTsExtensions: false,
  };
  const settings = { extends: '../../tsconfig.test.json', compilerOptions, include: ['./*.ts'], exclude: [] };
  writeFileSync(join(programs, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  complaints = spawnSync(process.execPath, [compiler, '-p', programs], { encoding: 'utf8' }).stdout;
  for (const { path, file, code } of all) {
    mkdirSync(folderOf(path), { recursive: true });
    if (file !== undefined) writeFileSync(join(folderOf(path), file), code, { mode: 0o600 });
  }
});
afterAll(() => {
  rmSync(programs, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
});

describe('blocks of the pages', () => {
  it('each say in which language they are, and programs what they print', () => {
    // What a shell or a directory shows may stand without a language.
    const known = ['', 'js', 'json', 'jsonl', 'mermaid', 'python', 'sh', 'text', 'ts', 'yaml'];
    expect(all.filter(({ language }) => !known.includes(language)).map(({ name }) => name)).toEqual([]);
    const silent = runnable.filter(({ output, scene }) => output === undefined && scene === undefined);
    expect(silent.map(({ name }) => name)).toEqual([]);
    expect(runnable.length).toBeGreaterThan(15);
  });

  it('in TypeScript compile', () => expect(complaints).toBe(''));

  it.each(runnable.filter(({ path }) => !runWithServer.has(path)))(
    'in TypeScript print what is shown: $name',
    async ({ name, output }) => {
      const program = join(programs, 'js', 'out', 'docs', `${name}.js`);
      const { stdout } = await run(process.execPath, [program], { cwd: root });
      if (output !== undefined) expect(stdout).toBe(output);
    },
  );

  it.each(shown)('for a shell print what is shown: $code', async ({ code, path, output = '' }) => {
    let last = '';
    for (const command of code.trim().split('\n')) {
      const main = [`${root}dist/cli/main.js`, ...wordsOf(command).slice(2)];
      last = (await run(process.execPath, main, { cwd: folderOf(path), env })).stdout;
    }
    // A line with nothing but dots stands for what differs from machine to machine.
    const expected = output.split('\n');
    if (expected.includes('…')) {
      expect(last.split('\n')).toEqual(expect.arrayContaining(expected.filter((line) => line !== '…')));
    } else expect(last).toBe(output);
  });

  it.each(lines)('for a shell name a command that there is: $command', ({ command }) => {
    const [first = '', second = ''] = wordsOf(command.replace(/^npx gaffr/, 'gaffr'));
    if (first === 'gaffr') {
      const program = readFileSync(`${root}src/cli/program.ts`, 'utf8');
      if (!second.startsWith('-')) expect(program).toContain(`${second}Command`);
    } else if (first === 'npm' && second === 'run') expect(scripts).toContain(wordsOf(command)[2]);
    else
      expect(['npm start', 'npm test', 'npm install', 'npx vitest', 'npx changeset']).toContain(
        `${first} ${second}`,
      );
  });

  it.each(ofLanguage('json'))('in JSON are JSON, and configurations are right: $name', async ({ code }) => {
    const value = JSON.parse(code);
    const parts = ['taskConfig', 'routingConfig', 'builtins', 'services'];
    const secrets = [...code.matchAll(/\$\{env:(\w+)\}/g)].map(
      ([, name = '']) => [name, 'a-secret'] as const,
    );
    const isConfig = Object.keys(value).some((key) => parts.includes(key));
    if (isConfig) await load(code, Object.fromEntries(secrets));
  });
});

function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
