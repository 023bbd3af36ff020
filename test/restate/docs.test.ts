import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blocksOf } from '../../scripts/pages.mjs';
import { freePort, startServer, type TestServer } from './server.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'out', 'distributed');
const blocks = blocksOf(readFileSync(join(root, 'docs/DISTRIBUTED.md'), 'utf8')).filter(
  ({ language }) => language === 'ts',
);
let server: TestServer;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  server = await startServer();
}, 60_000);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

it('the program of docs/DISTRIBUTED.md prints what it says', async () => {
  expect(blocks).toHaveLength(1);
  const [{ code = '', names = '' } = {}] = blocks;
  const here = code
    .replace('http://127.0.0.1:8080', server.ingressUrl)
    .replace('http://127.0.0.1:9070', server.adminUrl)
    .replace('9080', String(await freePort()));
  const expected = [...code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)].map(([, text]) => `${text}\n`).join('');
  const program = join(folder, 'program.ts');
  writeFileSync(
    program,
    `import { ${names}, end } from '../../test/docs/scenes/distributed.js';\n${here}\nawait end();\n`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], { cwd: root });
  expect(stdout).toBe(expected);
});
