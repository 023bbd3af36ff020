import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { Deadlines, type Due } from '../../src/actors/deadlines.js';
import type { Clock } from '../../src/core/environment.js';

const world = () => {
  const clock = new SimulatedClock();
  const fired: string[] = [];
  const deadlines: Deadlines = new Deadlines(clock as unknown as Clock, () => deadlines.expire());
  const due = (name: string, dueMs: number): Due => ({
    dueMs,
    heapIndex: -1,
    expire: () => fired.push(name),
  });
  return { clock, deadlines, fired, due };
};

describe('Deadlines', () => {
  it('expires entries in order of time, each once, and skips the removed', () => {
    const { clock, deadlines, fired, due } = world();
    const removed = due('removed', 15);
    for (const entry of [due('late', 30), removed, due('early', 10), due('middle', 20)]) deadlines.add(entry);
    deadlines.remove(removed);
    clock.increment(20);
    expect(fired).toEqual(['early', 'middle']);
    clock.increment(100);
    expect(fired).toEqual(['early', 'middle', 'late']);
  });

  it('agrees with a sorted list whatever is added and removed', () => {
    const entries = fc.array(fc.record({ at: fc.nat(50), isRemoved: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(entries, (all) => {
        const { clock, deadlines, fired, due } = world();
        const added = all.map(({ at }, index) => due(String(index).padStart(3, '0'), at + 1));
        for (const entry of added) deadlines.add(entry);
        all.forEach(({ isRemoved }, index) => {
          if (isRemoved) deadlines.remove(added[index] as Due);
        });
        clock.increment(100);
        const expected = all.flatMap(({ isRemoved }, index) =>
          isRemoved ? [] : [String(index).padStart(3, '0')],
        );
        expect([...fired].sort()).toEqual(expected);
        const times = fired.map((name) => added[Number(name)]?.dueMs);
        expect(times).toEqual([...times].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });
});
