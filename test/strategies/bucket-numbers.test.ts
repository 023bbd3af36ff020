import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketNumbers } from '../../src/strategies/bucket-numbers.js';

/** Buckets as they come, and such as share their first slot. */
const bucket = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 19 - 1 }),
  fc.integer({ min: 0, max: 511 }).map((n) => n * 1024),
);

describe('BucketNumbers', () => {
  it('numbers like a map that counts what it has, also after it was cleared', () => {
    fc.assert(
      fc.property(fc.array(fc.array(bucket, { maxLength: 3000 }), { maxLength: 3 }), (rounds) => {
        const numbers = new BucketNumbers();
        for (const round of rounds) {
          numbers.clear();
          const model = new Map<number, number>();
          for (const each of round) {
            if (!model.has(each)) model.set(each, model.size);
            expect(numbers.add(each)).toBe(model.get(each));
          }
          expect(numbers.size).toBe(model.size);
          expect([...numbers.buckets.subarray(0, numbers.size)]).toEqual([...model.keys()]);
          for (const each of [0, 1024, 2 ** 19 - 1, ...model.keys()])
            expect(numbers.numberOf(each)).toBe(model.get(each) ?? -1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('starts small again after a giant text', () => {
    const numbers = new BucketNumbers();
    for (let each = 0; each < 200_000; each++) numbers.add(each);
    numbers.clear();
    expect(numbers.buckets.length).toBeLessThan(1000);
    expect(numbers.numberOf(7)).toBe(-1);
  });
});
