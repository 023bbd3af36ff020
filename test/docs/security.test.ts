import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const readPage = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rows = [...readPage('docs/SECURITY.md').matchAll(/^\| (.+?) \| `(test\/\S+)` \| `(.+)` \|$/gm)].map(
  ([, promise = '', file = '', name = '']) => ({ promise, file, name }),
);

describe('docs/SECURITY.md', () => {
  it('names a test for every promise', () => {
    const promises = readPage('docs/SECURITY.md')
      .split('\n')
      .filter((line) => /^\| (?!promise )/.test(line));
    expect(rows.length).toBe(promises.length);
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each(rows)('$promise', ({ file, name }) => {
    // As a test or a group of tests begins: a name in quotes behind a bracket.
    const quoted = ["'", '"', '`'].map((quote) => `(${quote}${name.replaceAll(quote, `\\${quote}`)}${quote}`);
    const source = readPage(file);
    expect(quoted.some((text) => source.includes(text))).toBe(true);
  });
});
