/**
 * Builds the documentation site into out/site, the guides of docs/ and the API in one, and checks it: typedoc gives no
 * warning, no link is dead, and in a browser the search finds a guide and a name of the API, a diagram is drawn, and nothing
 * is asked of another host. The last line counts the checks; exit code 1 when one failed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';
import { sectionsOf } from '../scripts/pages.mjs';
import { checkSite } from './browser.mjs';
import { deadLinks } from './dead-links.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const site = fileURLToPath(new URL('../out/site/', import.meta.url));
let [passed, failed] = [0, 0];

await check('typedoc builds the site without a warning', build);
await check('no link of the site is dead', () => deadLinks(site));
await checkSite(site, check);
console.log(`site: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a check, which returns the faults that it found or throws. */
async function check(name, run) {
  const faults = await Promise.resolve()
    .then(run)
    .catch((cause) => [cause.stack]);
  if (faults.length === 0) passed += 1;
  else failed += 1;
  console.log([faults.length === 0 ? `ok: ${name}` : `FAILED: ${name}`, ...faults].join('\n'));
}

async function build() {
  const index = join(docs, 'README.md');
  // In the order in which the index tells of them.
  const pages = sectionsOf(readFileSync(index, 'utf8')).flatMap((section) => section.pages);
  const app = await Application.bootstrapWithPlugins({
    options: join(here, 'typedoc.json'),
    projectDocuments: [index, ...pages.map(({ path }) => join(docs, path))],
  });
  const project = await app.convert();
  if (project === undefined) return ['the sources cannot be read'];
  app.validate(project);
  await app.generateDocs(project, site);
  const { errorCount, warningCount } = app.logger;
  return errorCount + warningCount === 0 ? [] : [`${errorCount} errors, ${warningCount} warnings`];
}
