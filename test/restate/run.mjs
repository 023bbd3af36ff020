// Runs the engine `restate` against a server of its own: the suite of every engine, workers that die, and a server that goes
// away. The last line counts what passed and what failed; exit code 1 when anything did. There is no server for Windows.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '..', '..');
const report = join(top, 'out', 'restate.json');

if (process.platform === 'win32') {
  console.log('There is no Restate server for Windows; on Linux and macOS this runs the engine against one.');
  console.log('restate: 0 passed, 0 failed');
} else {
  const { passed, failed } = runTests();
  console.log(`restate: ${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** @returns {{ readonly passed: number, readonly failed: number }} */
function runTests() {
  rmSync(report, { force: true });
  const program = join(top, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--config', join(here, 'vitest.config.ts')];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(process.execPath, [program, ...args, ...reporters], {
    cwd: top,
    stdio: 'inherit',
  });
  const { numPassedTests: passed = 0, numFailedTests = 0 } = readReport();
  // A run that ended badly without a failed test (no server, a file that does not load) is one failure, and so is one
  // without tests.
  const hidden = numFailedTests === 0 && (status !== 0 || passed === 0) ? 1 : 0;
  return { passed, failed: numFailedTests + hidden };
}

/** @returns {{ readonly numPassedTests?: number, readonly numFailedTests?: number }} */
function readReport() {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    // Absent when the run did not begin.
    return {};
  }
}
