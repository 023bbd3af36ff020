import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deadLinks } from '../../docs-site/dead-links.mjs';
import { anchorsOf, blocksOf, linksOf, sectionsOf } from '../../scripts/pages.mjs';

it('anchorsOf() makes anchors as GitHub does', () => {
  const page =
    '# One: two, three\n\n## `code` and [a link](x.md)\n\n## Again\n\n## Again\n\n```sh\n# no heading\n```\n';
  expect(anchorsOf(page)).toEqual(['one-two-three', 'code-and-a-link', 'again', 'again-1']);
});

it('linksOf() takes links and pictures of the page, not those of other hosts, of blocks or of code', () => {
  const page =
    '[a](A.md#b) ![c](c.svg "title") [d](https://x.y/) `[e](E.md)`\n[f\ng](F.md)\n\n```md\n[h](H.md)\n```\n';
  expect(linksOf(page)).toEqual(['A.md#b', 'c.svg', 'F.md']);
});

it('blocksOf() knows file, scene and output of a block', () => {
  const page = [
    '<!-- file a.json -->\n```json\n{}\n```',
    '<!-- scene served: app, x -->\n```ts\napp;\n```\n\n```text\nsaid\n```',
    '```\nplain\n```\n',
  ].join('\n\n');
  expect(blocksOf(page)).toMatchObject([
    { language: 'json', code: '{}\n', file: 'a.json', output: undefined },
    { language: 'ts', scene: 'served', names: 'app, x', output: 'said\n' },
    { language: 'text' },
    { language: '', code: 'plain\n' },
  ]);
});

it('sectionsOf() reads an entry of several lines', () => {
  expect(sectionsOf('# D\n\n## S\n\n- [T](T.md): one\n  two.\n- [U](U.md): three.\n')).toEqual([
    {
      title: 'S',
      pages: [
        { title: 'T', path: 'T.md', about: 'one two.' },
        { title: 'U', path: 'U.md', about: 'three.' },
      ],
    },
  ]);
});

it('deadLinks() finds a missing page, a missing element and a missing picture', () => {
  const site = mkdtempSync(join(tmpdir(), 'gaffr-site-'));
  const links = ['b.html', 'b.html#here', '#top', 'https://example.org/', 'b.html?x#here'].map(
    (link) => `<a href="${link}">x</a>`,
  );
  const dead = '<a href="c.html">x</a><a href="b.html#gone">x</a><img src="d.png">';
  writeFileSync(join(site, 'a.html'), `<h1 id="top">a</h1>${links.join('')}${dead}`);
  writeFileSync(join(site, 'b.html'), '<h1 id="here">b</h1>');
  expect(deadLinks(site)).toEqual(['a.html: c.html', 'a.html: b.html#gone', 'a.html: d.png']);
  rmSync(site, { recursive: true });
});
