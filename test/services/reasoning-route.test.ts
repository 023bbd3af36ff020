import { describe, expect, it } from 'vitest';
import { routeFormal } from '../../src/services/builtin/reasoning-route.js';

describe('routeFormal()', () => {
  it.each([
    ['What is 7 * 6?', 'arithmetic'],
    ['Calculate 2^10', 'arithmetic'],
    ['Convert 10 miles to km', 'arithmetic'],
    ['Solve x + y = 35 and 2x + 4y = 94', 'equations'],
    ['SEND + MORE = MONEY', 'puzzle'],
    ['If it rains then the ground is wet. It rains. Therefore the ground is wet', 'argument'],
  ])('sends "%s" to reasoning as %s', (task, kind) => {
    expect(routeFormal(task, ['chat', 'reasoning'])).toMatchObject([
      { service: 'reasoning', confidence: 0.95, reasons: [{ kind: 'custom', note: `reads as ${kind}` }] },
    ]);
  });

  it.each([
    'Some task',
    'What is 5 apples?',
    'Explain how async works',
    'Extract text from page 3 of invoice.pdf',
    '',
  ])('says nothing about "%s"', (task) => expect(routeFormal(task, ['reasoning'])).toEqual([]));

  it('says nothing when reasoning is not on offer', () => {
    expect(routeFormal('What is 7 * 6?', ['chat'])).toEqual([]);
  });
});
