import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KeywordStrategy } from '../../src/strategies/keyword-strategy.js';
import { BUILT_IN, textOf } from '../strategies/support.js';

const page = readFileSync(new URL('../../docs/ROUTING.md', import.meta.url), 'utf8');

describe('docs/ROUTING.md', () => {
  const [, table = ''] = page.split(/<!-- \/?keyword table -->/);
  const rows = [...table.matchAll(/^\| (.+?) \|(.*)\|$/gm)]
    .map(([, task = '', candidates = '']) => [task, candidates.trim()] as const)
    .slice(1);

  it.each(rows)('has the confidences of "%s"', (task, candidates) => {
    expect(textOf(new KeywordStrategy().route(task, BUILT_IN))).toBe(candidates);
  });

  it('has a table of keywords worth the name', () => expect(rows.length).toBeGreaterThan(12));
});
