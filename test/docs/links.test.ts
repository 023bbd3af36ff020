import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { anchorsOf, linksOf, sectionsOf } from '../../scripts/pages.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const docs = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name.replaceAll('\\', '/')}`);
const top = readdirSync(root).filter((name) => name.endsWith('.md'));

it.each([...top, ...docs, 'llms.txt'])('%s links only to what is here, to its heading', (page) => {
  const dead = linksOf(readFileSync(root + page, 'utf8')).filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? root + page : join(root, dirname(page), path);
    if (!existsSync(target)) return true;
    if (anchor === undefined || statSync(target).isDirectory()) return anchor !== undefined;
    return !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
  });
  expect(dead).toEqual([]);
});

it('docs/README.md lists every page once', () => {
  const sections = sectionsOf(readFileSync(`${root}docs/README.md`, 'utf8'));
  const listed = sections.flatMap(({ pages }) =>
    pages.map(({ path }) => relative(root, join(root, 'docs', path))),
  );
  const pages = [...docs.filter((path) => path !== 'docs/README.md')];
  expect(listed.filter((path) => path.startsWith('docs/')).sort()).toEqual(pages.sort());
});
