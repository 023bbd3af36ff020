/**
 * Puts the generated parts into README.md: the machines as Mermaid diagrams, and the quick start from examples/.
 * `node scripts/readme.mjs` writes; a test checks that nothing is left to write. Needs a build.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const root = new URL('../', import.meta.url);

/** README.md as it should be, given how it is. @param {string} readme */
export async function generated(readme) {
  const { machineDocuments } = await import('../dist/machines/machine-documents.js');
  const quickStart = readFileSync(new URL('examples/quick-start.ts', root), 'utf8').trimEnd();
  let text = readme;
  for (const { name, mermaid } of machineDocuments()) {
    text = between(text, `machine:${name}`, 'machine', 'mermaid', mermaid);
  }
  return between(text, 'examples/quick-start.ts', 'examples/quick-start.ts', 'ts', quickStart);
}

/**
 * @param {string} text
 * @param {string} opening
 * @param {string} closing
 * @param {string} language
 * @param {string} block
 */
function between(text, opening, closing, language, block) {
  const open = `<!-- ${opening} -->`;
  const start = text.indexOf(open);
  const end = text.indexOf(`<!-- /${closing} -->`, start);
  if (start < 0 || end < 0) throw new Error(`README.md has no marks ${open} … <!-- /${closing} -->`);
  return `${text.slice(0, start + open.length)}\n\`\`\`${language}\n${block}\n\`\`\`\n${text.slice(end)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const readme = new URL('README.md', root);
  writeFileSync(readme, await generated(readFileSync(readme, 'utf8')));
}
