import { describe, expect, it } from 'vitest';
import { nextTurn } from '../../src/actors/assignment.js';

const ready = (headPriority = 0) => ({ canStart: true, headPriority });
const blocked = { canStart: false, headPriority: 9 };

describe('nextTurn()', () => {
  it.each([
    ['nobody is there', [], -1, -1],
    ['nobody can start', [blocked, blocked], -1, -1],
    ['the first among equals at the beginning', [ready(), ready()], -1, 0],
    ['the next among equals', [ready(), ready(), ready()], 0, 1],
    ['the first again after the last', [ready(), ready()], 1, 0],
    ['the highest priority whoever was last', [ready(1), ready(7), ready(7)], 1, 2],
    ['only those that can start', [blocked, ready()], 1, 1],
  ])('picks %s', (_, turns, lastServed, expected) => {
    expect(nextTurn(turns, lastServed)).toBe(expected);
  });
});
