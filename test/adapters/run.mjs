// Runs the adapters with the frameworks themselves and their mock models, and every block of docs/EMBEDDING.md. Compiles
// both against the frameworks' own types first. Needs `npm install` at the top and here, and a built dist. The last line
// counts what passed and what failed; exit code 1 when anything did.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkPackage } from '../../scripts/link-package.mjs';
import { blocksOf } from '../../scripts/pages.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '..', '..');
const out = join(here, 'out');

linkPackage(here);
writeBlocks();
const compiles = run('typescript/bin/tsc', ['-p', here]);
const report = join(out, 'report.json');
run('vitest/vitest.mjs', [
  'run',
  ...['--config', join(here, 'vitest.config.ts')],
  ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
]);
const { numPassedTests = 0, numFailedTests = 0, success = false } = readReport(report);
const passed = numPassedTests + (compiles ? 1 : 0);
// A run that ended badly without a failed test (a file that does not load) is one failure, and so is one without tests.
const hidden = numFailedTests === 0 && (!success || numPassedTests === 0) ? 1 : 0;
const failed = numFailedTests + hidden + (compiles ? 0 : 1);
console.log(`adapters: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Writes each block of the page as a module, behind the scene that its comment names: the reader's own model and services. */
function writeBlocks() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const page = readFileSync(join(top, 'docs', 'EMBEDDING.md'), 'utf8');
  for (const { scene, names, code } of blocksOf(page)) {
    if (scene === undefined) continue;
    const module = `import { ${names} } from '../scenes/${scene.replace(/-(tools|service|model)$/, '')}.js';\n\n${code}\nexport {};\n`;
    writeFileSync(join(out, `${scene}.ts`), module);
  }
}

/**
 * Runs a program of the top's packages.
 *
 * @param {string} program
 * @param {readonly string[]} args
 */
function run(program, args) {
  const file = join(top, 'node_modules', program);
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: top, stdio: 'inherit' });
  return status === 0;
}

/**
 * @param {string} path
 * @returns {{ numPassedTests?: number, numFailedTests?: number, success?: boolean }}
 */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Absent when the run did not begin.
    return {};
  }
}
