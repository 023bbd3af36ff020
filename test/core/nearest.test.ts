import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/core/nearest.js';

describe('nearest()', () => {
  const names = ['serve', 'run', 'services', 'route', 'demo'];

  it.each([
    ['rout', 'route'],
    ['srve', 'serve'],
    ['Service', 'services'],
    ['dmeo', 'demo'],
    ['ruin', 'run'],
  ])('takes %s for %s', (typed, meant) => {
    expect(nearest(typed, names)).toBe(meant);
  });

  it.each([
    ['cht', 'chat'],
    ['caht', 'chat'],
    ['chaat', 'chat'],
    ['chst', 'chat'],
    ['cicruitFailure', 'circuitFailures'],
  ])('takes %s for %s, a typo for every three letters', (typed, meant) => {
    expect(nearest(typed, ['a', 'chat', 'circuitFailures'])).toBe(meant);
  });

  it.each([
    ['xxat', 'chat'],
    ['z', 'a'],
    ['on', 'of'],
    ['', 'a'],
  ])('does not take %s for %s: too much of it differs', (typed, name) => {
    expect(nearest(typed, [name])).toBeUndefined();
  });

  it.each(['', 'x', 'install', 'help'])('has no guess for "%s"', (typed) => {
    expect(nearest(typed, names)).toBeUndefined();
  });
});
