import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { llmsText } from '../../scripts/llms.mjs';
import { withMachines } from '../../scripts/readme.mjs';

const readPage = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('docs/HOW-IT-WORKS.md holds the machines as they are', async () => {
  const page = readPage('docs/HOW-IT-WORKS.md');
  expect(await withMachines(page)).toBe(page);
});

it('llms.txt is what `npm run readme` makes of the documentation', () => {
  expect(readPage('llms.txt')).toBe(llmsText());
});

it('llms.txt is published with the pages that it names', () => {
  const { files } = JSON.parse(readPage('package.json'));
  expect(files).toEqual(expect.arrayContaining(['docs', 'llms.txt']));
});
