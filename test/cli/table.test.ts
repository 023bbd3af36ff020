import { describe, expect, it } from 'vitest';
import { cutToWidth, onOneLine, table } from '../../src/cli/table.js';

describe('table()', () => {
  it('aligns columns and cuts lines to the width', () => {
    const text = table(
      ['name', 'text'],
      [
        ['a', 'one two three four'],
        ['longer', 'x'],
      ],
      20,
    );
    expect(text.split('\n')).toEqual(['name    text', 'a       one two thr…', 'longer  x']);
  });

  it('cuts a column at its own width', () => {
    expect(table(['name', 'n'], [['abcdefgh', '1']], 80, [5]).split('\n')).toEqual(['name   n', 'abcd…  1']);
  });

  it('keeps a row on one line, without control characters', () => {
    expect(onOneLine(' a\n\tb \u001b[31mred\u0007 ')).toBe('a b [31mred');
  });

  it('counts characters, not code units', () => {
    expect(cutToWidth('😀😀😀', 3)).toBe('😀😀😀');
    expect(cutToWidth('😀😀😀😀', 3)).toBe('😀😀…');
  });
});
