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

  it.each(['', 'x', 'install', 'help'])('has no guess for "%s"', (typed) => {
    expect(nearest(typed, names)).toBeUndefined();
  });
});
