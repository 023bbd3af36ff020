// Runs the example configuration (examples/config) as its readers do: four MCP servers from npm at once, a model server, a
// module, a Python program and an HTTP service behind one gaffr; then kills a server again and again in the middle of a
// call. Needs the built command and the packages of examples/config. Exits 1 at the first thing that is not right.
//
//   node test/downstream/run.mjs [--rounds 100]
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const top = fileURLToPath(new URL('../../', import.meta.url));
const example = join(top, 'examples/config');
const main = join(top, 'dist/cli/main.js');
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } });

/** Task, service and what its answer holds. */
const TASKS = [
  ['Read the text file welcome.md', 'files', /kettle is descaled/],
  ['List the allowed directories', 'files', /documents/],
  ['Search the knowledge graph for Ada', 'memory', /wrote the first program/],
  ['Echo hello there', 'everything', /hello there/],
  ['Get the sum of 19 and 23 with get-sum', 'everything', /42/],
  ['Think about tea', 'thinking', /"thoughtNumber": 1/],
  ['Write a poem about rain', 'writer', /Here it is: WRITE A POEM ABOUT RAIN/],
  ['Count the words: one two three', 'counter', /"words":3/],
  ['Find anagrams of listen', 'anagrams', /silent/],
  ['Open a ticket about the printer', 'tickets', /"about":"Open a ticket about the printer"/],
  ['Search the documents for the kettle', 'responses', /descaled/],
  ['What is 12% of 80?', 'reasoning', /9\.6/],
  ['Extract text from welcome.md', 'vision', /half past eight/],
];
const NAMES = ['vision', 'responses', 'reasoning', 'writer', 'counter', 'anagrams', 'tickets', 'thinking'];
const CLIENT_BLOCK = ['files', 'memory', 'everything'];

const state = mkdtempSync(join(tmpdir(), 'gaffr-downstream-'));
const copy = join(state, 'example');
const env = { ...process.env, XDG_STATE_HOME: state, NO_COLOR: '1' };
/** @type {import('node:child_process').ChildProcess[]} */
const helpers = [];
/** @type {Set<Client>} */
const clients = new Set();

try {
  checkNeeds();
  copyExample(await startHelper('model-server.mjs'), await startHelper('tickets-server.mjs'));
  await runExample();
  await killAgainAndAgain(Number(values.rounds));
} catch (cause) {
  console.error(`WRONG ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
} finally {
  for (const helper of helpers) helper.kill();
  for (const client of clients) await client.close();
  rmSync(state, { recursive: true, force: true });
}

function checkNeeds() {
  for (const [path, command] of [
    [main, 'npm run build'],
    [join(example, 'node_modules/.bin/mcp-server-everything'), 'npm run downstream'],
  ]) {
    assert.ok(existsSync(path), `${path} is not there; run: ${command}`);
  }
  const { status } = spawnSync('python3', ['--version']);
  assert.equal(status, 0, 'python3 is needed for the Python program of the example; install it');
}

/** The example with the ports that its servers have here: its own may be in use. */
function copyExample(modelPort, ticketsPort) {
  const packages = join(example, 'node_modules');
  cpSync(example, copy, { recursive: true, filter: (path) => path !== packages });
  symlinkSync(packages, join(copy, 'node_modules'), 'junction');
  const file = join(copy, 'gaffr.config.json');
  const config = readFileSync(file, 'utf8').replace(':4117/', `:${modelPort}/`);
  writeFileSync(file, config.replace(':4118/', `:${ticketsPort}/`));
}

/** Starts a server of the example on a free port; its line says that it is up, and ends with the port. */
async function startHelper(file) {
  const helper = spawn(process.execPath, [file], {
    cwd: example,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  helpers.push(helper);
  const ended = once(helper, 'exit').then(() => {
    throw new Error(`${file} ended at once`);
  });
  ended.catch(() => {});
  const [line] = await Promise.race([once(createInterface(helper.stdout), 'line'), ended]);
  return line.split(':').at(-1);
}

async function runExample() {
  gaffr('trust', '--yes');
  const services = JSON.parse(gaffr('services', '--json'));
  assert.deepEqual(services.map(({ name }) => name).sort(), [...NAMES, ...CLIENT_BLOCK].sort());
  ok(`gaffr services shows all ${services.length} services`);

  const client = await connect(join(copy, 'gaffr.config.json'), copy);
  for (const [task, service, answer] of TASKS) {
    const result = await call(client, 'execute', { task });
    expectAnswer(result, service, answer);
    ok(`${service}: ${task}`);
  }
  const { results } = await call(client, 'executeParallel', { tasks: TASKS.map(([task]) => task) });
  for (const [at, [, service, answer]] of TASKS.entries()) expectAnswer(results[at], service, answer);
  ok(`all ${TASKS.length} at once`);
  await close(client);
}

/** The call is read-only by the server's word, so each task has its answer in spite of the kill. */
async function killAgainAndAgain(rounds) {
  const server = join(example, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
  const file = join(state, 'gaffr.config.json');
  const services = {
    everything: { kind: 'mcp', command: process.execPath, args: [server] },
    memory: {
      kind: 'mcp',
      command: process.execPath,
      args: [server.replace('server-everything', 'server-memory')],
    },
  };
  writeFileSync(file, JSON.stringify({ taskConfig: { circuitCooldownSeconds: 0.2 }, services }), {
    mode: 0o600,
  });
  gaffr('trust', '--yes', '--config', file);
  const client = await connect(file, state);
  const groups = new Set();
  let slowestMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const args = { tool: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 2 } };
    const working = call(client, 'execute', { task: 'x', service: 'everything', kwargs: args });
    const pid = await childOf(client.transport.pid, server);
    groups.add(pid);
    // Somewhere between its start and its answer.
    await pause(round % 10 === 0 ? 0 : 150 + (round % 5) * 40);
    process.kill(pid, 'SIGKILL');
    const killedMs = performance.now();
    const beside = await call(client, 'execute', {
      task: 'x',
      service: 'memory',
      kwargs: { tool: 'read_graph' },
    });
    assert.equal(beside.status, 'completed', `another server noticed: ${beside.error}`);
    const result = await working;
    assert.equal(result.status, 'completed', `round ${round}: ${result.error}`);
    slowestMs = Math.max(slowestMs, performance.now() - killedMs);
  }
  assert.equal(groups.size, rounds, 'each round has a process of its own');
  await close(client);
  const left = processes().filter(({ group }) => groups.has(group));
  assert.deepEqual(left, [], 'no process of a killed group is left');
  ok(
    `${rounds} times kill -9 in the middle of a call: all answered (slowest ${Math.round(slowestMs)} ms), no orphan`,
  );
}

/** The process of the server, once it is there. */
async function childOf(parent, file) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = processes().find((each) => each.parent === parent && each.args.includes(file));
    if (found) return found.pid;
    await pause(50);
  }
  throw new Error(`no process of ${file} within 10 s`);
}

function processes() {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,pgid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , stat]) => stat !== undefined && !stat.startsWith('Z'))
    .map(([pid, parent, group, , ...args]) => ({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      args: args.join(' '),
    }));
}

async function connect(file, cwd) {
  const client = new Client({ name: 'downstream-check', version: '1.0.0' });
  clients.add(client);
  const args = [main, 'serve', '--config', file];
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args, cwd, env, stderr: 'ignore' }),
  );
  return client;
}

/** Nothing that the server has started outlives it. */
async function close(client) {
  const { pid } = client.transport;
  const groups = new Set(processes().flatMap(({ parent, group }) => (parent === pid ? [group] : [])));
  await client.close();
  clients.delete(client);
  for (let tries = 0; tries < 100; tries += 1) {
    if (!processes().some(({ group }) => groups.has(group))) return;
    await pause(100);
  }
  throw new Error(
    `processes outlive gaffr: ${JSON.stringify(processes().filter(({ group }) => groups.has(group)))}`,
  );
}

async function call(client, name, args) {
  const answer = await client.callTool({ name, arguments: args }, { timeout: 120_000 });
  return answer.structuredContent;
}

function expectAnswer(result, service, answer) {
  assert.equal(result.status, 'completed', `${service}: ${result.error}`);
  assert.equal(result.serviceName, service, result.route?.why);
  const { text } = Object(result.result);
  assert.match(typeof text === 'string' ? text : JSON.stringify(result.result), answer);
}

function gaffr(...args) {
  const where = args.includes('--config') ? [] : ['--config', join(copy, 'gaffr.config.json')];
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args, ...where], {
    cwd: copy,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, `gaffr ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}

function ok(what) {
  console.log(`ok    ${what}`);
}
