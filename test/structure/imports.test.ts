import { expect, it } from 'vitest';
import { importsOf, readSources } from './sources.js';

// The whole table of layers is checked by test/layers; these two rules are worth an answer within a second.
it.each([
  ['xstate', /^xstate(\/|$)/, /^(machines|actors|inspect)\/|^adapters\/xstate/],
  ['the MCP SDK', /^@modelcontextprotocol\//, /^(mcp\/|services\/mcp[/.]|adapters\/mcp-v1[/.]|cli\/)/],
])('%s is imported only where it belongs', (_name, isPackage, belongs) => {
  const strays = readSources()
    .filter(({ path }) => !belongs.test(path))
    .flatMap((source) =>
      importsOf(source)
        .filter((specifier) => isPackage.test(specifier))
        .map(() => source.path),
    );

  expect(strays).toEqual([]);
});

it('reads the imports that it judges', () => {
  const code =
    "import { a } from 'xstate';\nexport * from \"./b.js\";\nimport 'c';\nawait import('d');\nfromCallback('e');";

  expect(importsOf({ path: 'x.ts', code })).toEqual(['xstate', './b.js', 'c', 'd']);
});
