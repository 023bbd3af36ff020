import { describe, expect, it } from 'vitest';
import { resultText } from '../../src/cli/result-text.js';

describe('resultText()', () => {
  it.each([
    ['plain', 'plain'],
    [{ text: 'of a file', pages: 2 }, 'of a file'],
    [{ formal: '12% of 80', status: 'exact', result: 9.6, method: 'arithmetic' }, '9.6 (exact) 12% of 80'],
    [{ formal: 'x + 1 = x', status: 'none', result: null }, '(none) x + 1 = x'],
    [{ n: new Date(0) }, '{\n  "n": "1970-01-01T00:00:00.000Z"\n}'],
    [{ formal: 'f', status: 'unique', result: { x: 23, y: 12 } }, 'x = 23, y = 12 (unique) f'],
    [{ formal: 'f', status: 'all 2', result: [{ x: 1 }, { x: 2 }] }, 'x = 1 or x = 2 (all 2) f'],
    [{ formal: 'f', status: 'rounded', result: { value: 8.05, unit: 'km' } }, '8.05 km (rounded) f'],
    [{ formal: 'f', status: 'follows', result: { follows: true, counterexample: null } }, '(follows) f'],
    [
      {
        passages: [
          { file: 'a.md', text: 'one' },
          { file: 'b.md', text: 'two' },
        ],
      },
      'a.md: one\n\nb.md: two',
    ],
    [{ passages: [] }, 'Nothing found.'],
    [null, 'null'],
    [undefined, 'null'],
  ])('shows %j', (result, text) => {
    expect(resultText(result)).toBe(text);
  });
});
