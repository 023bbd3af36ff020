import { describe, expect, it } from 'vitest';
import type { Contestant, Sample } from '../../bench/bench.js';
import { resultsOf } from '../../bench/results.js';
import { median, percentile, slopePer } from '../../bench/statistics.js';

const runOf = (tasks: number, wallMs: number): Sample => ({ tasks, wallMs, cpuMicros: tasks * 2 });
const contestant = (name: string, rest: Partial<Contestant> = {}): Contestant => ({
  name,
  group: 'a group',
  run: async () => runOf(1, 1),
  ...rest,
});

describe('the statistics of the benches', () => {
  it.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
  ])('median(%j) is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('slopePer() is the growth of the line that fits best', () => {
    expect(
      slopePer(60, [
        [0, 5],
        [1, 7],
        [2, 9],
      ]),
    ).toBe(120);
    expect(
      slopePer(1, [
        [0, 5],
        [1, 6],
        [2, 4],
        [3, 5],
      ]),
    ).toBeCloseTo(-0.2);
    expect(slopePer(1, [[3, 5]])).toBe(0);
    expect(slopePer(1, [])).toBe(0);
  });

  it.each([
    [0.5, 50],
    [0.95, 95],
    [1, 100],
  ])('percentile() at %d of 1 to 100 is %d', (share, expected) => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(values, share)).toBe(expected);
  });

  it('compare ours with each peer of its group, by medians and run by run', () => {
    const results = resultsOf(
      [
        { contestant: contestant('ours', { isOurs: true }), samples: [runOf(100, 10), runOf(100, 20)] },
        {
          contestant: contestant('peer, long name', { label: 'peer' }),
          samples: [runOf(100, 5), runOf(100, 40)],
        },
        { contestant: contestant('stranger', { group: 'another group' }), samples: [runOf(100, 1)] },
      ],
      { name: 'tasksPerSecond', better: 'higher' },
    );
    expect(results[0]).toMatchObject({
      tasksPerSecond: 7500,
      tasksPerSecondRange: [5000, 10_000],
      cpuMicrosPerTask: 2,
      ratios: { peer: 0.6667 },
      ratioRanges: { peer: [0.5, 2] },
      cpuRatios: { peer: 1 },
    });
    expect(Object.keys(results[0]?.ratios ?? {})).toEqual(['peer']);
    expect(results[1]).not.toHaveProperty('ratios');
  });
});
