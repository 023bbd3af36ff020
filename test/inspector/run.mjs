// Checks the built server with the official MCP Inspector: over stdio by the client configuration at the top of the
// checkout, and over HTTP.
// Needs `npm run build` at the top and `npm install` here. Exits 1 at the first thing that is not right.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../', import.meta.url));
const inspector = fileURLToPath(new URL('node_modules/.bin/inspector', import.meta.url));
const TOOLS = [
  'execute',
  'executeParallel',
  'listServices',
  'executeSubtasks',
  'getRun',
  'cancelRun',
  'explainRoute',
];

for (const [path, command] of [
  [inspector, 'npm install, in test/inspector'],
  [`${top}dist/cli/main.js`, 'npm run build'],
]) {
  if (!existsSync(path)) fail(`${path} is not there; run: ${command}`);
}

const folder = mkdtempSync(join(tmpdir(), 'gaffr-inspector-'));
const tokenFile = join(folder, 'token');
const server = spawn(
  process.execPath,
  [`${top}dist/cli/main.js`, 'serve', '--http', '0', '--token-file', tokenFile],
  { cwd: top, stdio: ['ignore', 'ignore', 'pipe'] },
);
process.on('exit', () => {
  server.stderr.removeAllListeners('end');
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});
const url = await addressOf(server);
const transports = {
  stdio: ['--config', 'mcp.json', '--server', 'gaffr'],
  http: [
    url,
    '--transport',
    'http',
    '--header',
    `Authorization: Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
  ],
};

for (const [name, transport] of Object.entries(transports)) {
  for (const era of ['legacy', 'modern']) checkEra(name, transport, era);
}
// The server would keep this process alive.
process.exit();

function checkEra(name, transport, era) {
  check(`${name}, ${era}: tools/list --strict has no schema error and lists ${TOOLS.length} tools`, () => {
    const { tools } = inspect(transport, '--method', 'tools/list', '--strict', '--protocol-era', era);
    assert.deepEqual(
      tools.map(({ name }) => name),
      TOOLS,
    );
  });

  check(`${name}, ${era}: resources, prompts and a resource are listed and read`, () => {
    const { resources } = inspect(transport, '--method', 'resources/list', '--protocol-era', era);
    assert.ok(resources.some(({ uri }) => uri === 'gaffr://services/reasoning'));
    const { prompts } = inspect(transport, '--method', 'prompts/list', '--protocol-era', era);
    assert.deepEqual(
      prompts.map(({ name }) => name),
      ['delegate', 'diagnose'],
    );
    const read = ['--method', 'resources/read', '--uri', 'gaffr://services/reasoning'];
    const { contents } = inspect(transport, ...read, '--protocol-era', era);
    assert.equal(JSON.parse(contents[0].text).name, 'reasoning');
  });

  check(`${name}, ${era}: tools/call execute answers`, () => {
    const answer = call({ transport, era }, 'execute', { task: 'What is 12% of 80?' });
    assert.equal(answer.isError ?? false, false);
    assert.equal(answer.structuredContent.result.result, 9.6);
  });

  check(`${name}, ${era}: tools/call executeParallel answers in the order of the input`, () => {
    const tasks = [
      'What is 12% of 80?',
      { task: 'Calculate 2^10', service: 'reasoning' },
      'Extract text from ../../secret.txt',
    ];
    const { structuredContent } = call({ transport, era }, 'executeParallel', { tasks });
    const { status, total, succeeded, failed, results } = structuredContent;
    assert.deepEqual(
      { status, total, succeeded, failed },
      { status: 'partial', total: 3, succeeded: 2, failed: 1 },
    );
    assert.equal(results[0].result.result, 9.6);
    assert.equal(results[1].result.result, 1024);
    assert.equal(results[2].errorCode, 'OUTSIDE_ROOT');
  });
}

function call({ transport, era }, tool, args) {
  const json = JSON.stringify(args);
  return inspect(
    transport,
    '--method',
    'tools/call',
    '--tool-name',
    tool,
    '--tool-args-json',
    json,
    '--protocol-era',
    era,
  );
}

function inspect(transport, ...args) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [inspector, '--cli', ...transport, ...args],
    {
      cwd: top,
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, MCP_INSPECTOR_SECRET_STORE: 'memory' },
    },
  );
  assert.equal(status, 0, `the inspector ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout);
}

/** Where the server says that it is. It may go on to write on stderr. */
function addressOf({ stderr }) {
  let text = '';
  return new Promise((resolve) => {
    stderr.setEncoding('utf8').on('data', (part) => {
      text += part;
      const [found] = /http:\S+\/mcp/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    stderr.on('end', () => fail(`the server over HTTP did not start:\n${text}`));
  });
}

function check(what, run) {
  try {
    run();
  } catch (cause) {
    fail(`${what}\n${cause.message}`);
  }
  console.log(`ok    ${what}`);
}

function fail(message) {
  console.error(`WRONG ${message}`);
  process.exit(1);
}
