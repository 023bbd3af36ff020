// Runs the official MCP conformance suite against the HTTP face of gaffr with the suite's fixtures behind it. Needs
// `npm install` at the top and here. Prints one line per set of scenarios, `--json` prints the figures instead; exits 1
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
const server = spawn(process.execPath, ['--no-warnings', '--import', 'tsx', join(here, 'server.ts')], {
  cwd: top,
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await addressOf(server);
  const outcomes = await Promise.all(REVISIONS.map((revision) => runRevision(url, revision)));
  report(outcomes);
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Runs the scenarios of a revision of the protocol.
 *
 * @param {string} url
 * @param {string} revision
 */
async function runRevision(url, revision) {
  const output = join(folder, revision);
  const scenarios = scenariosOf(revision);
  const log = await runSuite('server', '--url', url, '--requirements', revision, '-o', output);
  return judge(revision, scenarios, output, log);
}

/**
 * The scenarios that a revision requires of servers, and those that the suite runs beside them. Those of extensions are
 * no part of it.
 *
 * @param {string} revision
 * @returns {string[]}
 */
function scenariosOf(revision) {
  const path = join(here, `node_modules/@modelcontextprotocol/conformance/requirements/${revision}.yaml`);
  const [, section = ''] = /\nserver:\n((?: +- .+\n)+)/.exec(readFileSync(path, 'utf8')) ?? [];
  const names = [...section.matchAll(/- (.+)/g)].map(([, name = '']) => name);
  if (names.length === 0) throw new Error(`${path} names no scenario of servers`);
  return names;
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
        `${set}: ${scenarios} required scenarios; ${passed} checks passed, ${failed} failed, ${warnings} warnings`,
      );
    }
    for (const fault of faults) console.error(`WRONG ${set}: ${fault}`);
  }
  if (values.json) console.log(JSON.stringify(outcomes));
}
