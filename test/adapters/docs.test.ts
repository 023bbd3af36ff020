import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { until } from './support.js';

const page = readFileSync(new URL('../../docs/EMBEDDING.md', import.meta.url), 'utf8');
const blocks = readdirSync(new URL('out/', import.meta.url)).filter((name) => name.endsWith('.ts'));

it('docs/EMBEDDING.md has no block of code that is not run here', () => {
  expect(page.match(/```ts\n/g)).toHaveLength(blocks.length);
  expect(blocks.length).toBeGreaterThan(10);
});

it.each(blocks)('the block %s prints what it says', async (name) => {
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => void said.push(values.join(' ')));
  const code = readFileSync(new URL(`out/${name}`, import.meta.url), 'utf8');
  const expected = [...code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)].map(([, text]) => text);
  expect(expected.length).toBeGreaterThan(0);
  await import(new URL(`out/${name}`, import.meta.url).href);
  await until(() => said.length >= expected.length);
  log.mockRestore();
  expect(said).toEqual(expected);
});
