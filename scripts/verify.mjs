/**
 * Runs `npm test` and then every gate, each to its end even when another failed. The last line counts tests and gates
 * together; exit code 1 when anything failed. CI runs just this.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isMain, root } from './run.mjs';

/**
 * @typedef {object} Gate - A script of package.json.
 * @property {string} name
 * @property {readonly string[]} args
 * @property {readonly string[]} [on] - The platforms that it runs on. Default: all.
 * @property {() => string | null} [whyNot] - Why it cannot run on this machine; null when it can. Default: it can.
 */

/** @typedef {readonly Gate[]} Row - Gates that run one after the other. */

/**
 * The gates. Most have the machine to themselves. Those that count on signals, on `ps` or on Debian's packages keep to where
 * these are, and those that only compute run on one platform, since they find the same on each.
 *
 * @type {Row}
 */
const GATES = [
  { name: 'lint', args: [] },
  { name: 'types', args: [] },
  { name: 'layers', args: [] },
  { name: 'unused', args: [] },
  { name: 'audit', args: [] },
  { name: 'fuzz', args: ['--inputs', '4000', '--json'] },
  { name: 'drain', args: ['--rounds', '2', '--json'], on: ['linux', 'darwin'] },
  { name: 'crash', args: ['--engine', 'journal', '--kills', '10', '--json'], on: ['linux', 'darwin'] },
  {
    name: 'crash',
    args: ['--engine', 'journal', '--disk-full', '--rounds', '8', '--json'],
    on: ['linux'],
    whyNot: whyNoMount,
  },
  { name: 'crash', args: ['--engine', 'restate', '--json'], on: ['linux', 'darwin'] },
  { name: 'restate', args: [], on: ['linux', 'darwin'] },
  { name: 'simulate', args: ['--seeds', '10000', '--replays', '200', '--json'], on: ['linux'] },
  { name: 'mutants', args: [], on: ['linux'] },
];

/**
 * Pairs of rows that run beside each other: most of what they do is to wait for installations and for other processes.
 *
 * @type {readonly (readonly [Row, Row])[]}
 */
const PAIRS = [
  [
    [{ name: 'browser', args: [], on: ['linux'] }],
    [
      { name: 'examples', args: [] },
      { name: 'conformance', args: [] },
    ],
  ],
  [
    [{ name: 'adapters', args: [] }],
    [{ name: 'downstream', args: ['--rounds', '20'], on: ['linux', 'darwin'] }],
  ],
  [
    [
      { name: 'soak', args: ['--json'], on: ['linux'] },
      { name: 'inspector', args: [] },
    ],
    [
      { name: 'package-checks', args: [] },
      { name: 'bundle', args: [] },
      { name: 'site', args: [], on: ['linux'] },
    ],
  ],
];

/** Test runners colour their output when CI is set, even into a file. */
const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };

/** @typedef {{ passed: number, failed: number }} Counts */
/** @typedef {{ numPassedTests: number, numFailedTests: number }} TestReport */

/** @returns {Promise<boolean>} Whether everything passed. */
async function verify() {
  const counts = await runTests();
  /** @type {string[]} */
  const failures = counts.failed === 0 ? [] : [`test: ${counts.failed} failed`];
  /** @type {(row: Row, isAlone: boolean) => Promise<void>} */
  const runRow = async (row, isAlone) => {
    for (const gate of row) {
      if (isLeftOut(gate)) continue;
      const passed = await runScript(gate.name, gate.args, isAlone);
      counts[passed ? 'passed' : 'failed'] += 1;
      if (!passed) failures.push(gate.name);
    }
  };
  await runRow(GATES, true);
  for (const rows of PAIRS) await Promise.all(rows.map((row) => runRow(row, false)));
  console.log(`\n${failures.length === 0 ? 'everything passed' : `failed: ${failures.join(', ')}`}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return failures.length === 0;
}

/**
 * Whether a gate does not run here; then it is said.
 *
 * @param {Gate} gate
 */
function isLeftOut({ name, args, on, whyNot }) {
  if (on?.includes(process.platform) === false) {
    console.log(`\n=== ${name}: not on ${process.platform} ===`);
    return true;
  }
  const reason = whyNot?.() ?? null;
  if (reason !== null) console.log(`\n=== ${name} ${args.join(' ')}: left out, because ${reason} ===`);
  return reason !== null;
}

/** A container may forbid what a run needs that fills a disk of its own. */
function whyNoMount() {
  const isAllowed = [['-m'], ['-Urm']].some(
    (flags) => spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0,
  );
  return isAllowed ? null : 'no disk can be mounted here, neither as root nor in a user namespace';
}

/** @returns {Promise<Counts>} */
async function runTests() {
  const report = join(root, 'out', 'vitest.json');
  mkdirSync(join(root, 'out'), { recursive: true });
  rmSync(report, { force: true });
  const args = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const passed = await runScript('test', args, true);
  return countTests(passed, readReport(report));
}

/**
 * What a test run counts for. A run that failed without a failed test (a build error, a file that does not load, a
 * rejection that nobody caught) is one failure, and so is one that ran no test.
 *
 * @param {boolean} passed - Whether the run ended with exit code 0.
 * @param {TestReport | null} report - Null when the run wrote none.
 * @returns {Counts}
 */
export function countTests(passed, report) {
  const counts = { passed: report?.numPassedTests ?? 0, failed: report?.numFailedTests ?? 0 };
  const hasHiddenFailure = counts.failed === 0 && (!passed || counts.passed === 0);
  return hasHiddenFailure ? { ...counts, failed: 1 } : counts;
}

/**
 * Runs a script of package.json between a heading and its outcome.
 *
 * @param {string} name
 * @param {readonly string[]} args
 * @param {boolean} isAlone - Else what it prints comes at its end, so that it is not mixed with another's.
 */
async function runScript(name, args, isAlone) {
  if (isAlone) console.log(`\n=== ${name} ===`);
  const startedMs = Date.now();
  // A shell, because npm is a shell script on Windows. Nothing here comes from outside.
  const child = spawn(
    `${['npm', 'run', '--silent', name, '--', ...args].join(' ')}${isAlone ? '' : ' 2>&1'}`,
    {
      cwd: root,
      env,
      shell: true,
      stdio: ['ignore', isAlone ? 'inherit' : 'pipe', 'inherit'],
    },
  );
  const [printed, [status]] = await Promise.all([child.stdout && text(child.stdout), once(child, 'exit')]);
  if (!isAlone) console.log(`\n=== ${name} ===\n${printed}`);
  const passed = status === 0;
  console.log(
    `=== ${name}: ${passed ? 'passed' : 'FAILED'} in ${((Date.now() - startedMs) / 1000).toFixed(1)} s ===`,
  );
  return passed;
}

/**
 * @param {string} path
 * @returns {TestReport | null}
 */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Absent after a build error and cut short after a crash; either way the run has failed.
    return null;
  }
}

if (isMain(import.meta.url)) {
  process.exitCode = (await verify()) ? 0 : 1;
}
