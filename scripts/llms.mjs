/**
 * llms.txt: what gaffr is and where each page of its documentation lies, for programs that read. Made from README.md and
 * docs/README.md; `npm run readme` writes it, a test checks that it is current.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { sectionsOf } from './pages.mjs';

const root = new URL('../', import.meta.url);

/** The text of llms.txt, in the form that llmstxt.org describes. */
export function llmsText() {
  const readme = readFileSync(new URL('README.md', root), 'utf8');
  const index = readFileSync(new URL('docs/README.md', root), 'utf8');
  // The first paragraph of the README: everything up to the first empty line behind the title.
  const summary = (readme.split('\n\n')[1] ?? '').replace(/\s+/g, ' ').replaceAll('**', '');
  // The package holds docs/ alone, and every link has to lead somewhere in it.
  const sections = sectionsOf(index)
    .map(({ title, pages }) => ({ title, pages: pages.filter(({ path }) => !path.startsWith('..')) }))
    .filter(({ pages }) => pages.length > 0)
    .map(({ title, pages }) => `## ${title}\n\n${pages.map(lineOf).join('\n')}\n`);
  return `# gaffr\n\n> ${summary}\n\n${sections.join('\n')}`;
}

/** @param {{ title: string, path: string, about: string }} page */
function lineOf({ title, path, about }) {
  return `- [${title}](${posix.join('docs', path)}): ${about.trim()}`;
}
