import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { installScripts } from '../../scripts/lockfile.mjs';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const manifest = JSON.parse(read('package.json'));

describe('docs/DEPENDENCIES.md', () => {
  const sections = new Map(
    read('docs/DEPENDENCIES.md')
      .split(/^## /m)
      .map((section) => [section.split('\n', 1)[0]?.trim(), section]),
  );

  it.each([
    ['Required', 'dependencies'],
    ['Optional', 'optionalDependencies'],
    ['Peers', 'peerDependencies'],
  ])('says of every package under %s what it does, and of no other', (title, field) => {
    const rows = (sections.get(title) ?? '').split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.map((row) => row.split('`')[1] ?? '');
    const message = `The section "${title}" of docs/DEPENDENCIES.md and "${field}" of package.json name other packages; add a row with the reason, or take it out.`;

    expect(named.toSorted(), message).toEqual(Object.keys(manifest[field]).sort());
    for (const row of rows) {
      expect(
        row
          .split('|')
          .slice(2, -1)
          .map((cell) => cell.trim())
          .filter((cell) => cell.length < 3),
      ).toEqual([]);
    }
  });
});

it('no required package, direct or not, runs a script when it is installed', () => {
  expect(installScripts(JSON.parse(read('package-lock.json')))).toEqual([]);
});

it.each([
  ['a required one', {}, ['bad']],
  ['one for development', { dev: true }, []],
  ['an optional one', { optional: true }, []],
  ['one that is optional and for development', { devOptional: true }, []],
])('installScripts() with a script in %s', (_case, flags, expected) => {
  const packages = {
    '': { hasInstallScript: true },
    'node_modules/good': {},
    'node_modules/good/node_modules/bad': { hasInstallScript: true, ...flags },
  };

  expect(installScripts({ packages })).toEqual(
    expected.map((name) => `node_modules/good/node_modules/${name}`),
  );
});
