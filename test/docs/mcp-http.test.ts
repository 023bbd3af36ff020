import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HTTP_FLAGS } from '../../src/cli/http-flags.js';
import { parseLimits } from '../../src/mcp/http/limits.js';
import { SCOPES, scopeName, scopeNeeded } from '../../src/mcp/http/scopes.js';
import { TOOLS } from '../../src/mcp/tools/tool-table.js';

const page = readFileSync('docs/MCP-HTTP.md', 'utf8');

describe('docs/MCP-HTTP.md', () => {
  it('lists every limit with its default', () => {
    const listed = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(listed)).toEqual(parseLimits());
  });

  it('names every flag', () => {
    expect(Object.keys(HTTP_FLAGS).filter((flag) => !page.includes(`--${flag}`))).toEqual([]);
  });

  it('names the scope of every tool', () => {
    const rows = SCOPES.map(
      (scope) => [scope, page.match(new RegExp(`^\\| \`${scopeName(scope)}\` \\|.*$`, 'm'))?.[0]] as const,
    );
    const rowOf = new Map(rows);
    for (const { name } of TOOLS) {
      const scope = scopeNeeded({ method: 'tools/call', params: { name } });
      if (scope === undefined || scope === 'cancel' || name === 'getRun') continue;
      expect(rowOf.get(scope)).toContain(`\`${name}\``);
    }
  });

  it('holds the example as it is', () => {
    expect(page).toContain(readFileSync('examples/embed-mcp.ts', 'utf8').trimEnd());
  });
});
