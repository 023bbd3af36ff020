import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { manifest } from '../../scripts/bundle.mjs';
import { installLinks, installPage } from '../../scripts/install-page.mjs';
import { TOOLS } from '../../src/mcp/tools/tool-table.js';

const page = readFileSync('docs/INSTALL.md', 'utf8');
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const { name, version, engines } = readJson('package.json');

describe('docs/INSTALL.md', () => {
  it('holds the links and configurations as they are made', () => {
    expect(installPage(page)).toBe(page);
  });

  it('holds JSON that a client can read', () => {
    const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) => JSON.parse(block ?? ''));
    expect(blocks.length).toBeGreaterThan(2);
    for (const block of blocks) {
      const { gaffr } = block.mcpServers ?? block.servers;
      expect(gaffr).toEqual({
        command: expect.any(String),
        args: expect.arrayContaining(['serve', '--root']),
      });
    }
  });
});

describe('the links that install the server', () => {
  const entry = { command: 'npx', args: ['-y', 'gaffr', 'serve'] };

  it.each(['cursor', 'cursorApp'] as const)('%s carry the name and the entry as Cursor reads them', (key) => {
    const { searchParams } = new URL(installLinks()[key]);
    expect(searchParams.get('name')).toBe('gaffr');
    const config = Buffer.from(searchParams.get('config') ?? '', 'base64').toString();
    expect(JSON.parse(config)).toEqual(entry);
  });

  it('carry the name and the entry as VS Code reads them', () => {
    const { searchParams } = new URL(installLinks().vscode);
    expect(searchParams.get('name')).toBe('gaffr');
    expect(JSON.parse(searchParams.get('config') ?? '')).toEqual(entry);
    const { protocol, pathname, search } = new URL(installLinks().vscodeApp);
    expect(protocol + pathname).toBe('vscode:mcp/install');
    expect(JSON.parse(decodeURIComponent(search.slice(1)))).toEqual({ name: 'gaffr', ...entry });
  });

  it('stay whole in Markdown', () => {
    for (const link of Object.values(installLinks())) expect(link).not.toMatch(/[\s()<>"']/);
  });
});

describe('server.json', () => {
  const server = readJson('server.json');

  it('names this package and its version', () => {
    expect(server).toMatchObject({ version, packages: [{ identifier: name, version, registryType: 'npm' }] });
  });

  it("keeps to the registry's rules for names and descriptions", () => {
    expect(server.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    expect(server.description.length).toBeLessThanOrEqual(100);
    expect(server.$schema).toBe(
      'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    );
  });

  it('claims no name on npm that is only a placeholder', () => {
    const { mcpName } = readJson('package.json');
    if (server.name.startsWith('io.github.owner/')) expect(mcpName).toBeUndefined();
    else expect(mcpName).toBe(server.name);
  });
});

describe('the manifest of the bundle', () => {
  it('says what the package and the tools say', () => {
    expect(manifest()).toMatchObject({
      manifest_version: '0.4',
      name,
      version,
      tools: TOOLS.map(({ name, description }) => ({ name, description })),
      compatibility: { runtimes: engines },
    });
  });
});
