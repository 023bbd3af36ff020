import { expect, it } from 'vitest';
import { describeWeaknesses } from '../../src/cli/doctor/routing-checks.js';
import { wrapToWidth } from '../../src/cli/wrap.js';

const weakness = (text: string) => ({ kind: 'few-examples', services: [], text, mend: 'do this' }) as const;

it('describeWeaknesses() says what is weak and how to mend it, without what a terminal would obey', () => {
  expect(describeWeaknesses([])).toBe('routing: nothing to mend');
  expect(describeWeaknesses([weakness('a\u001b[2J\nb')])).toBe(
    'warning: a[2J b\n  do this\nrouting: 1 warning',
  );
  const many = describeWeaknesses(Array.from({ length: 25 }, () => weakness('a')));
  expect(many).toContain('… and 5 more (--json shows all)\nrouting: 25 warnings');
});

it.each([
  ['a bc def', 4, ['a bc', 'def']],
  ['abcdefgh i', 3, ['abc', 'def', 'gh', 'i']],
  ['', 3, ['']],
  ['ab', 0, ['a', 'b']],
  ['😀😀😀 😀', 2, ['😀😀', '😀', '😀']],
])('wrapToWidth() breaks %j at %d', (text, columns, lines) => {
  expect(wrapToWidth(text, columns)).toEqual(lines);
});
