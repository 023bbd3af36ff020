// Runs the official MCP conformance suite against the HTTP face of gaffr with the suite's fixtures behind it: what each
// revision of the protocol requires, and every scenario of the Tasks extension. Needs `npm install` at the top and here. Prints one line per set of scenarios, `--json` prints the figures instead; exits 1
// unless every scenario ran and no check failed. There is no list of expected failures.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** @typedef {{ id: string, status: string, errorMessage?: string }} Check */
/** @typedef {{ set: string, scenarios: number, passed: number, failed: number, warnings: number, faults: string[] }} Outcome */

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '..', '..');
// The suite needs a later Node than the one that gaffr has to run on.
const SUITE = [
  join(here, 'node_modules/node/bin/node'),
  join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js'),
];
const REVISIONS = ['2025-11-25', '2026-07-28'];

/** How long a set of scenarios may take, in milliseconds. */
const SET_MS = 300_000;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const folder = mkdtempSync(join(tmpdir(), 'gaffr-conformance-'));
const servers = [startServer('server.ts'), startServer('tasks-server.ts')];
try {
  const [url = '', tasksUrl = ''] = await Promise.all(servers.map(addressOf));
  report(await Promise.all([...REVISIONS.map((revision) => runRevision(url, revision)), runTasks(tasksUrl)]));
} finally {
  for (const server of servers) server.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} file */
function startServer(file) {
  const args = ['--no-warnings', '--import', 'tsx', join(here, file)];
  return spawn(process.execPath, args, { cwd: top, stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * Runs the scenarios of a revision of the protocol.
 *
 * @param {string} url
 * @param {string} revision
 */
async function runRevision(url, revision) {
  const output = join(folder, revision);
  const scenarios = requirementsOf(revision).server;
  const log = await runSuite('server', '--url', url, '--requirements', revision, '-o', output);
  return judge(revision, scenarios, output, log);
}

/**
 * Runs the scenarios of the Tasks extension, which no revision requires. The suite skips them unless it is forced.
 *
 * @param {string} url
 */
async function runTasks(url) {
  const output = join(folder, 'tasks');
  const revision = '2026-07-28';
  const scenarios = requirementsOf(revision).tasks;
  let log = '';
  for (const scenario of scenarios) {
    const choice = ['--scenario', scenario, '--spec-version', revision, '--force'];
    log += await runSuite('server', '--url', url, ...choice, '-o', output);
  }
  return judge('tasks', scenarios, output, log);
}

/**
 * The scenarios that a revision requires of servers, and those of the Tasks extension.
 *
 * @param {string} revision
 */
function requirementsOf(revision) {
  const path = join(here, `node_modules/@modelcontextprotocol/conformance/requirements/${revision}.yaml`);
  const text = readFileSync(path, 'utf8');
  const [, section = ''] = /\nserver:\n((?: +- .+\n)+)/.exec(text) ?? [];
  const server = [...section.matchAll(/- (.+)/g)].map(([, name = '']) => name);
  const tasks = [...text.matchAll(/- scenario: (tasks-.+)/g)].map(([, name = '']) => name);
  if (server.length === 0) throw new Error(`${path} names no scenario of servers`);
  // One scenario checks nothing: what it is about is optional.
  return { server, tasks: tasks.filter((name) => name !== 'tasks-status-notifications') };
}

/**
 * @param {string} set
 * @param {readonly string[]} scenarios - What has to have run.
 * @param {string} output - Where the suite wrote its results: a folder per scenario.
 * @param {string} log - What it printed.
 * @returns {Outcome}
 */
function judge(set, scenarios, output, log) {
  /** @type {Map<string, Check[]>} */
  const results = new Map();
  for (const name of readdirSync(output)) {
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
    // An extension has a set of its own.
    if (scenario.startsWith('tasks-') && !scenarios.includes(scenario)) continue;
    results.set(scenario, JSON.parse(readFileSync(join(output, name, 'checks.json'), 'utf8')));
  }
  const faults = scenarios
    .filter((name) => !results.get(name)?.some(({ status }) => status === 'SUCCESS'))
    .map((name) => `${name} did not run:\n${log.slice(-2000)}`);
  const counts = { passed: 0, failed: 0, warnings: 0 };
  for (const [scenario, checks] of results) {
    for (const { id, status, errorMessage } of checks) {
      if (status === 'SUCCESS') counts.passed += 1;
      if (status === 'WARNING') counts.warnings += 1;
      if (status !== 'FAILURE') continue;
      counts.failed += 1;
      faults.push(`${scenario}: ${id}: ${errorMessage}`);
    }
  }
  return { set, scenarios: scenarios.length, ...counts, faults };
}

/**
 * Runs the suite to its end. Its exit code says no more than its results.
 *
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
async function runSuite(...args) {
  const [program = '', script = ''] = SUITE;
  const suite = spawn(program, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: SET_MS });
  let log = '';
  for (const stream of [suite.stdout, suite.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
  }
  await once(suite, 'close');
  return log;
}

/** @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, null>} child */
async function addressOf(child) {
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [])]);
  if (line === undefined) throw new Error('the server did not start');
  return String(line);
}

/** @param {readonly Outcome[]} outcomes */
function report(outcomes) {
  for (const { set, scenarios, passed, failed, warnings, faults } of outcomes) {
    if (faults.length > 0) process.exitCode = 1;
    if (!values.json) {
      console.log(
        `${set}: ${scenarios} scenarios; ${passed} checks passed, ${failed} failed, ${warnings} warnings`,
      );
    }
    for (const fault of faults) console.error(`WRONG ${set}: ${fault}`);
  }
  if (values.json) console.log(JSON.stringify(outcomes));
}
