import { describe, expect, it } from 'vitest';
import { normalise, readWords, stemOf } from '../../src/strategies/words.js';

describe('readWords', () => {
  it.each([
    ['Extract text from invoice_2024.PDF', ['extract', 'text', 'from', 'invoice', '2024', 'pdf']],
    ["What's in the picture's corner?", ['what', 'in', 'the', 'picture', 'corner']],
    ['it’s Zoë’s', ['it', 'zoë']],
    ["rock'n'roll 'quoted'", ['rock', 'roll', 'quoted']],
    ['multi-step a.b-c_d', ['multi', 'step', 'a', 'b', 'c', 'd']],
    ['ﬁne Ｆｕｌｌ ①', ['fine', 'full', '1']],
    ['e\u0301te\u0301', ['été']],
    ['🙂 … \ud800', []],
  ])('splits "%s"', (text, words) => {
    expect(readWords(text).words).toEqual(words);
  });

  it('gives offsets in the normalised text', () => {
    const { text, words, offsets } = readWords('İs it ﬁne');
    expect(words.map((word, i) => text.startsWith(word, offsets[i]))).toEqual([true, true, true]);
  });

  it('reads 8,192 characters and no more', () => {
    expect(normalise('a'.repeat(1_000_000))).toHaveLength(8192);
    expect(readWords(`${' '.repeat(8190)}ab cd`).words).toEqual(['ab']);
  });
});

describe('stemOf', () => {
  it.each([
    ['images', 'image'],
    ['searching', 'search'],
    ['analyse', 'analyze'],
    ['analysing', 'analyzed'],
    ['automate', 'automation'],
  ])('gives %s and %s one stem', (one, other) => {
    expect(stemOf(one)).toBe(stemOf(other));
  });

  it.each([
    ['explanation', 'plan'],
    ['analysis', 'analog'],
  ])('keeps %s apart from %s', (one, other) => {
    expect(stemOf(one)).not.toBe(stemOf(other));
  });

  it('leaves other scripts, numbers and very long words as they are', () => {
    for (const word of ['картинки', 'mp3', 'été', 'running'.repeat(20)]) expect(stemOf(word)).toBe(word);
  });
});
