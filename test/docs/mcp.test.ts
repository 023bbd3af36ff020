import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRunLimits } from '../../src/mcp/runs/run-limits.js';
import { toolListings } from '../../src/mcp/tools/tool-table.js';

const page = readFileSync('docs/MCP.md', 'utf8');

/** The cells of a tool's row. */
function rowOf(tool: string): string[] {
  const [row = ''] = new RegExp(`^\\| \`${tool}\` \\|.*$`, 'm').exec(page) ?? [];
  return row.split('|').map((cell) => cell.trim());
}

const propertiesOf = (schema: Record<string, unknown>): string[] => Object.keys(schema.properties as object);
const named = (cell = ''): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => String(name));

describe('docs/MCP.md', () => {
  it('lists every tool in its order', () => {
    const listed = [...page.matchAll(/^\| `(execute\w*|\w+Run|\w+Services|explainRoute)` \|/gm)].map(
      ([, name]) => name,
    );
    expect(listed).toEqual(toolListings().map(({ name }) => name));
  });

  it.each(toolListings().map((listing) => [listing.name, listing] as const))(
    'names every argument of %s',
    (name, { inputSchema }) => {
      expect(named(rowOf(name)[2])).toEqual(expect.arrayContaining(propertiesOf(inputSchema)));
    },
  );

  it.each(['execute', 'executeParallel', 'listServices', 'cancelRun', 'explainRoute'])(
    'names every member of what %s answers',
    (name) => {
      const listing = toolListings().find((each) => each.name === name);
      // Told in the section on runs.
      const whileRunning = ['progress', 'message'];
      const members = propertiesOf(listing?.outputSchema ?? {}).filter(
        (each) => !whileRunning.includes(each),
      );
      expect(named(rowOf(name)[3]).sort()).toEqual(members.sort());
    },
  );

  it('lists every limit with its default', () => {
    const listed = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(listed)).toEqual(parseRunLimits());
  });
});
