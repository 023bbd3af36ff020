import { expect, it } from 'vitest';
import { ExecutionConfig } from '../../src/core/config.js';
import { rateLimitSchema } from '../../src/core/rate-limiter.js';
import { parseLimits } from '../../src/mcp/http/limits.js';

it.each([
  ['3', '"3"'],
  [2.5, '2.5'],
  [null, 'null'],
  [[5], 'a list'],
  [{}, 'an object'],
])('a limit of %j is refused with the rule and the value', (value, seen) => {
  expect(() => ExecutionConfig.create({ maxParallel: value as number })).toThrow(
    `expected a whole number of at least 1, or Infinity, not ${seen}`,
  );
});

it('a limit may be Infinity', () => {
  expect(ExecutionConfig.create({ maxParallel: Number.POSITIVE_INFINITY }).taskConfig.maxParallel).toBe(
    Number.POSITIVE_INFINITY,
  );
});

it('limits of other parts say the same', () => {
  const limit = '3' as unknown as number;
  expect(rateLimitSchema.safeParse({ limit, intervalSeconds: 1 }).error?.issues[0]?.message).toBe(
    'expected a whole number of at least 1, or Infinity, not "3"',
  );
  expect(() => parseLimits({ callsBurst: limit })).toThrow('expected a number above 0, or Infinity, not "3"');
});
