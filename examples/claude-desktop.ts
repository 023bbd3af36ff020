// Setting up Claude Desktop: `gaffr init` says what belongs into its file of servers, the file keeps what it had, and then the
// server is started and asked as Claude Desktop does it: from another folder, with next to no environment, over stdio.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

interface DesktopConfig {
  readonly mcpServers: Readonly<Record<string, { readonly command: string; readonly args: string[] }>>;
}

const gaffr = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'gaffr-desktop-'));
const documents = join(home, 'Documents');
// On macOS ~/Library/Application Support/Claude, on Windows %APPDATA%\Claude; here a temporary folder.
const desktopFile = join(home, 'claude_desktop_config.json');

try {
  mkdirSync(documents);
  writeFileSync(join(documents, 'tea.md'), 'The green tea is steeped for 90 seconds.\n');
  const before = { mcpServers: { clock: { command: 'some-clock', args: [] } }, theme: 'dark' };
  writeFileSync(desktopFile, JSON.stringify(before));

  // In the folder of one's documents: writes gaffr.config.json there, and prints the entry.
  const printed = execFileSync(process.execPath, [gaffr, 'init'], {
    cwd: documents,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { mcpServers } = JSON.parse(printed) as DesktopConfig;
  const after = { ...before, mcpServers: { ...before.mcpServers, ...mcpServers } };
  writeFileSync(desktopFile, JSON.stringify(after, null, 2));

  await talkAsClaudeDesktop();
} finally {
  rmSync(home, { recursive: true });
}

async function talkAsClaudeDesktop(): Promise<void> {
  const config = JSON.parse(readFileSync(desktopFile, 'utf8')) as DesktopConfig;
  assert.deepEqual(Object.keys(config.mcpServers), ['clock', 'gaffr']);
  const { command = '', args = [] } = config.mcpServers.gaffr ?? {};
  const client = new Client({ name: 'claude-ai', version: '0.1.0' });
  // HOME only: a window has no shell, and so no PATH that a shell has set.
  const env = { HOME: home, XDG_STATE_HOME: home };
  await client.connect(new StdioClientTransport({ command, args, cwd: tmpdir(), env, stderr: 'ignore' }));
  try {
    const { tools } = await client.listTools();
    console.log(tools.map(({ name }) => name).join(' '));
    assert.equal(tools.length, 7);

    const ask = async (task: string): Promise<Record<string, unknown>> => {
      const { structuredContent } = await client.callTool({ name: 'execute', arguments: { task } });
      return structuredContent as Record<string, unknown>;
    };
    const sum = await ask('What is 12% of 80?');
    assert.equal(sum.status, 'completed');
    assert.match(JSON.stringify(sum.result), /9\.6/);

    // The documents are those beside the configuration, wherever the server was started.
    const found = await ask('Search my notes for green tea');
    assert.equal(found.serviceName, 'responses');
    assert.match(JSON.stringify(found.result), /90 seconds/);
    console.log('12% of 80 is 9.6, and the tea takes 90 seconds');
  } finally {
    await client.close();
  }
}
