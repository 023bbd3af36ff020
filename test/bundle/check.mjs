// Checks out/gaffr.mcpb as a client uses it: unpacked elsewhere, its manifest valid, its server started as the manifest
// says, with and without what the user may choose. Needs `npm run bundle`, which runs this at its end.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { getMcpConfigForManifest } from '@anthropic-ai/mcpb';

const top = fileURLToPath(new URL('../../', import.meta.url));
const mcpb = fileURLToPath(new URL('node_modules/@anthropic-ai/mcpb/dist/cli/cli.js', import.meta.url));
const bundle = join(top, 'out', 'gaffr.mcpb');
assert.ok(existsSync(bundle), `${bundle} is not there; run: npm run bundle`);

const folder = mkdtempSync(join(tmpdir(), 'gaffr-bundle-'));
try {
  const unpacked = join(folder, 'unpacked');
  runMcpb('unpack', bundle, unpacked);
  runMcpb('validate', join(unpacked, 'manifest.json'));
  const manifest = JSON.parse(readFileSync(join(unpacked, 'manifest.json'), 'utf8'));
  copyFileSync(join(top, 'examples', 'invoice.pdf'), join(folder, 'invoice.pdf'));

  await checkServer('with nothing chosen', manifest, unpacked, {}, async (server) => {
    const { tools } = await server.ask('tools/list', {});
    assert.deepEqual(
      tools.map(({ name, description }) => ({ name, description })),
      manifest.tools,
    );
    const { prompts } = await server.ask('prompts/list', {});
    assert.ok(prompts.length > 0);
    const sum = await server.execute('What is 12% of 80?');
    assert.equal(sum.structuredContent.result.result, 9.6);
    const equations = await server.execute('Solve x + y = 35 and 2x + 4y = 94');
    assert.match(JSON.stringify(equations.structuredContent.result), /23/);
    const outside = await server.execute(`Extract text from ${join(folder, 'invoice.pdf')}`);
    assert.equal(outside.structuredContent.errorCode, 'OUTSIDE_ROOT');
  });

  await checkServer('with a folder chosen', manifest, unpacked, { folders: [folder] }, async (server) => {
    const inside = await server.execute('Extract text from invoice.pdf');
    assert.equal(inside.isError ?? false, false);
    assert.match(JSON.stringify(inside.structuredContent.result), /Alder & Quince/);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function runMcpb(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mcpb, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, `mcpb ${args[0]} ended with ${status}:\n${stdout}${stderr}`);
}

async function checkServer(what, manifest, extensionPath, userConfig, check) {
  const config = await getMcpConfigForManifest({
    manifest,
    extensionPath,
    systemDirs: {},
    userConfig,
    pathSeparator: '/',
  });
  const { HOME, PATH } = process.env;
  assert.equal(config.command, 'node');
  // As a client with a window does: from the root of the disk and with little of an environment.
  const child = spawn(process.execPath, config.args, { cwd: '/', env: { HOME, PATH, ...config.env } });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  try {
    const server = talkTo(child, () => stderr);
    await server.ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'check', version: '1' },
    });
    await check(server);
    child.stdin.end();
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  } finally {
    child.kill('SIGKILL');
  }
  console.log(`ok    the bundled server ${what}`);
}

function talkTo(child, stderr) {
  const waiting = new Map();
  let id = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
  });
  child.on('exit', () => {
    for (const settle of waiting.values()) settle({ error: `the server ended:\n${stderr()}` });
  });
  const ask = async (method, params) => {
    id += 1;
    const answer = new Promise((resolve) => waiting.set(id, resolve));
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    const { result, error } = await answer;
    assert.equal(error, undefined, JSON.stringify(error));
    return result;
  };
  return { ask, execute: (task) => ask('tools/call', { name: 'execute', arguments: { task } }) };
}
