/**
 * Makes guides of the Markdown pages: each is named by its first heading and stands in the section of docs/README.md that
 * links to it. Diagrams written as Mermaid are drawn in the reader's browser by a file of the site itself.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Converter, JSX, RendererEvent } from 'typedoc';
import { sectionsOf, titleOf } from '../scripts/pages.mjs';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const mermaid = fileURLToPath(new URL('node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js', import.meta.url));
const drawing = fileURLToPath(new URL('diagrams.js', import.meta.url));

/** @param {import('typedoc').Application} app */
export function load(app) {
  const sections = new Map(
    sectionsOf(readFileSync(join(docs, 'README.md'), 'utf8')).flatMap(({ title, pages }) =>
      pages.map(({ path }) => [basename(path), title]),
    ),
  );

  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const file = [`${document.name}.md`, `decisions/${document.name}.md`].find((name) =>
      existsSync(join(docs, name)),
    );
    if (file === undefined) return;
    document.name = titleOf(readFileSync(join(docs, file), 'utf8'));
    document.frontmatter.group = sections.get(basename(file)) ?? 'Overview';
  });

  app.renderer.on(RendererEvent.END, ({ outputDirectory }) => {
    copyFileSync(mermaid, join(outputDirectory, 'assets', 'mermaid.js'));
    copyFileSync(drawing, join(outputDirectory, 'assets', 'diagrams.js'));
  });
  app.renderer.hooks.on('body.end', (context) =>
    JSX.createElement('script', { src: context.relativeURL('assets/diagrams.js'), defer: true }),
  );
}
