/**
 * Makes guides of the Markdown pages: each has the name and the section by which docs/README.md links to it. Diagrams written as Mermaid are drawn in the reader's browser by a file of the site itself.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Converter, JSX, ReflectionKind, RendererEvent } from 'typedoc';
import { sectionsOf } from '../scripts/pages.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const mermaid = fileURLToPath(new URL('node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js', import.meta.url));
const drawing = fileURLToPath(new URL('diagrams.js', import.meta.url));

/** @param {import('typedoc').Application} app */
export function load(app) {
  const listed = new Map(
    sectionsOf(readFileSync(join(root, 'docs/README.md'), 'utf8')).flatMap(({ title: section, pages }) =>
      pages.map(({ path, title }) => [posix.join('docs', path), { title, section }]),
    ),
  );

  /** Where a module lies in src, and what its reader imports. */
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const subpaths = new Map(
    Object.entries(exports)
      .filter(([, { types } = {}]) => types !== undefined)
      .map(([subpath, { types }]) => [
        types.replace(/^\.\/dist\/|(\/index)?\.d\.ts$/g, ''),
        posix.join('gaffr', subpath),
      ]),
  );

  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    // typedoc names a page by its path from the top, without the extension.
    const path = `${document.name}.md`;
    if (!existsSync(join(root, path)))
      throw new Error(`typedoc names a page ${document.name}, which is no file`);
    const { title, section } = listed.get(path) ?? { title: 'Documentation', section: 'Overview' };
    document.name = title;
    document.frontmatter.group = section;
  });

  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, declaration) => {
    if (!declaration.kindOf(ReflectionKind.Module)) return;
    declaration.name = subpaths.get(declaration.name.replace(/\/index$/, '')) ?? declaration.name;
  });

  app.renderer.on(RendererEvent.END, ({ outputDirectory }) => {
    copyFileSync(mermaid, join(outputDirectory, 'assets', 'mermaid.js'));
    copyFileSync(drawing, join(outputDirectory, 'assets', 'diagrams.js'));
  });
  app.renderer.hooks.on('body.end', (context) =>
    JSX.createElement('script', { src: context.relativeURL('assets/diagrams.js'), defer: true }),
  );
}
