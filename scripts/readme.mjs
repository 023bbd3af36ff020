/**
 * Puts the generated parts into README.md and docs/HOW-IT-WORKS.md, the machines as Mermaid diagrams and the quick start
 * from examples/, and makes llms.txt. `node scripts/readme.mjs` writes; tests check that nothing is left to write. Needs
 * a build.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { llmsText } from './llms.mjs';

const root = new URL('../', import.meta.url);

/** README.md as it should be, given how it is. @param {string} readme */
export async function generated(readme) {
  const quickStart = readFileSync(new URL('examples/quick-start.ts', root), 'utf8').trimEnd();
  const text = await withMachines(readme);
  return between(text, 'examples/quick-start.ts', 'examples/quick-start.ts', 'ts', quickStart);
}

/** A page with the machines as they are, given how it is. @param {string} page */
export async function withMachines(page) {
  const { machineDocuments } = await import('../dist/machines/machine-documents.js');
  let text = page;
  for (const { name, mermaid } of machineDocuments()) {
    text = between(text, `machine:${name}`, 'machine', 'mermaid', mermaid);
  }
  return text;
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
  if (start < 0 || end < 0) throw new Error(`The page has no marks ${open} … <!-- /${closing} -->`);
  return `${text.slice(0, start + open.length)}\n\`\`\`${language}\n${block}\n\`\`\`\n${text.slice(end)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const readme = new URL('README.md', root);
  writeFileSync(readme, await generated(readFileSync(readme, 'utf8')));
  const howItWorks = new URL('docs/HOW-IT-WORKS.md', root);
  writeFileSync(howItWorks, await withMachines(readFileSync(howItWorks, 'utf8')));
  writeFileSync(new URL('llms.txt', root), llmsText());
}
