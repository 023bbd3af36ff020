import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateLimitInput } from '../../src/index.js';
import { config, drained, expectNothingUnhandled, manualService, numbered, simulated } from './support.js';

expectNothingUnhandled();

/** Services that end at once and note when each attempt began. */
const world = (rateLimit: RateLimitInput, fields: Parameters<typeof config>[0] = {}) => {
  const starts: number[] = [];
  const simulation = simulated({
    services: { only: () => void starts.push(simulation.clock.now()) },
    config: config({ rateLimit, maxParallel: 100, ...fields }),
  });
  return { ...simulation, starts };
};

const sliding = (limit: number, intervalSeconds: number): RateLimitInput => ({ limit, intervalSeconds });
const fixed = (limit: number, intervalSeconds: number, carryOver = false): RateLimitInput => ({
  limit,
  intervalSeconds,
  window: 'fixed',
  carryOver,
});

describe('queue rate limit, what may be said', () => {
  it.each([
    ['a limit of 0', { limit: 0, intervalSeconds: 1 }],
    ['a negative limit', { limit: -1, intervalSeconds: 1 }],
    ['a broken limit', { limit: 1.5, intervalSeconds: 1 }],
    ['a limit NaN', { limit: Number.NaN, intervalSeconds: 1 }],
    ['a negative interval', { limit: 1, intervalSeconds: -1, window: 'fixed' }],
    ['an infinite interval', { limit: 1, intervalSeconds: Number.POSITIVE_INFINITY, window: 'fixed' }],
    ['an interval NaN', { limit: 1, intervalSeconds: Number.NaN }],
    [
      'a sliding window without limit',
      { limit: Number.POSITIVE_INFINITY, intervalSeconds: 1, window: 'sliding' },
    ],
    ['a sliding window without length', { limit: 1, intervalSeconds: 0, window: 'sliding' }],
    ['an unknown window', { limit: 1, intervalSeconds: 1, window: 'rolling' }],
    ['an unknown key', { limit: 1, interval: 1 }],
  ])('%s is a TypeError, overall and per service', (_, rateLimit) => {
    expect(() => config({ rateLimit: rateLimit as never })).toThrow(TypeError);
    const services = { only: { execute: (task: string) => task, rateLimit: rateLimit as never } };
    expect(() => simulated({ services })).toThrow(TypeError);
  });

  it.each([
    ['no limit', fixed(Number.POSITIVE_INFINITY, 10)],
    ['an interval of 0', fixed(1, 0)],
  ])('%s limits nothing', async (_, rateLimit) => {
    const { orchestrator, starts } = world(rateLimit);
    await orchestrator.executeParallel(numbered(50));
    expect(starts).toHaveLength(50);
    expect(orchestrator.isRateLimited).toBe(false);
  });
});

describe('queue rate limit, fixed window', () => {
  it('n starts per interval, one interval after another', async () => {
    const { orchestrator, starts, advance } = world(fixed(3, 10));
    void orchestrator.executeParallel(numbered(8));
    await drained();
    expect(starts).toHaveLength(3);
    await advance(9_999);
    expect(starts).toHaveLength(3);
    await advance(1);
    expect(starts).toHaveLength(6);
    await advance(10_000);
    expect(starts).toEqual([0, 0, 0, 10_000, 10_000, 10_000, 20_000, 20_000]);
  });

  it('is remembered through idle times', async () => {
    const { orchestrator, starts, advance } = world(fixed(2, 10));
    await orchestrator.executeParallel(numbered(2));
    await advance(4_000);
    void orchestrator.execute('too soon');
    await advance(5_999);
    expect(starts).toHaveLength(2);
    await advance(1);
    expect(starts).toHaveLength(3);
    await advance(100_000);
    void orchestrator.executeParallel(numbered(3));
    await drained();
    expect(starts).toHaveLength(5);
  });

  it('carry-over: what still runs when an interval begins counts as its starts', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ rateLimit: fixed(3, 10, true), maxParallel: 100 }),
    });
    void orchestrator.executeParallel(numbered(10));
    await drained();
    service.calls[0]?.resolve();
    await advance(10_000);
    // Two still run: one more may start.
    expect(service.calls).toHaveLength(4);
    await advance(10_000);
    expect(service.calls).toHaveLength(4);
    for (const call of service.open()) call.resolve();
    await advance(10_000);
    expect(service.calls).toHaveLength(7);
  });

  it('without carry-over what still runs does not count', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ rateLimit: fixed(3, 10), maxParallel: 100 }),
    });
    void orchestrator.executeParallel(numbered(10));
    await advance(10_000);
    expect(service.calls).toHaveLength(6);
  });
});

describe('queue rate limit, sliding window', () => {
  it('no burst across the edge; a place comes back as soon as the oldest start ages out', async () => {
    const { orchestrator, starts, advance } = world(sliding(2, 10));
    void orchestrator.execute('a');
    await advance(9_000);
    void orchestrator.executeParallel(['b', 'c', 'd']);
    await advance(999);
    expect(starts).toEqual([0, 9_000]);
    await advance(1);
    expect(starts).toEqual([0, 9_000, 10_000]);
    await advance(8_999);
    expect(starts).toHaveLength(3);
    await advance(1);
    expect(starts).toEqual([0, 9_000, 10_000, 19_000]);
  });

  it('any stretch of the interval holds at most n starts, whatever comes when, also with pauses, cancels and other limits', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('submit' as const),
          priority: fc.integer({ min: 0, max: 2 }),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 700 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom('pause' as const, 'resume' as const, 'clear' as const, 'cancel' as const),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 6 }) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { orchestrator, starts, advance } = world(sliding(3, 1), { timeoutSeconds: 0.4 });
        const handles: { cancel(): void }[] = [];
        for (const each of steps) {
          if (each.kind === 'submit') handles.push(orchestrator.submit('x', { priority: each.priority }));
          else if (each.kind === 'wait') await advance(each.ms);
          else if (each.kind === 'resize') orchestrator.setMaxParallel(each.to);
          else if (each.kind === 'cancel') handles.pop()?.cancel();
          else orchestrator[each.kind]();
        }
        orchestrator.resume();
        for (let left = 0; left < 30; left += 1) await advance(1_000);
        expect(orchestrator.stats()).toMatchObject({ queued: 0, running: 0 });
        expect(orchestrator.isRateLimited).toBe(false);
        for (let index = 3; index < starts.length; index += 1) {
          expect((starts[index] as number) - (starts[index - 3] as number)).toBeGreaterThanOrEqual(1_000);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is remembered through idle times', async () => {
    const { orchestrator, starts, advance } = world(sliding(1, 10));
    await orchestrator.execute('a');
    await advance(3_000);
    void orchestrator.execute('b');
    await advance(6_999);
    expect(starts).toHaveLength(1);
    await advance(1);
    expect(starts).toEqual([0, 10_000]);
  });
});

describe('queue rate limit, beside everything else', () => {
  it('holds per service and overall at once', async () => {
    const starts: string[] = [];
    const note = (name: string) => () => void starts.push(name);
    const { orchestrator, advance } = simulated({
      services: {
        slow: { execute: note('slow'), rateLimit: { limit: 1, intervalSeconds: 10 } },
        quick: note('quick'),
      },
      config: config({ rateLimit: { limit: 3, intervalSeconds: 5 } }),
    });
    for (const service of ['slow', 'slow', 'slow', 'quick', 'quick', 'quick', 'quick']) {
      void orchestrator.execute('x', { service });
    }
    await drained();
    expect(starts).toEqual(['slow', 'quick', 'quick']);
    await advance(5_000);
    expect(starts.slice(3)).toEqual(['quick', 'quick']);
    await advance(5_000);
    expect(starts.slice(5)).toEqual(['slow']);
    await advance(10_000);
    expect(starts.slice(6)).toEqual(['slow']);
  });

  it('priority decides who gets the next place', async () => {
    const order: string[] = [];
    const { orchestrator, advance } = simulated({
      services: { only: (task) => void order.push(task) },
      config: config({ rateLimit: sliding(1, 10) }),
    });
    void orchestrator.executeParallel(['first', 'low', 'low too']);
    await drained();
    void orchestrator.execute('high', { priority: 1 });
    for (let step = 0; step < 3; step += 1) await advance(10_000);
    expect(order).toEqual(['first', 'high', 'low', 'low too']);
  });

  it('tasks aborted before starting give their place back', async () => {
    const { orchestrator, starts, advance } = world(sliding(2, 10));
    const handles = numbered(4).map((task) => orchestrator.submit(task));
    handles[0]?.cancel();
    handles[1]?.cancel();
    await drained();
    expect(handles.map((handle) => handle.status())).toEqual([
      'cancelled',
      'cancelled',
      'completed',
      'completed',
    ]);
    const waiting = orchestrator.submit('waits');
    const behind = orchestrator.submit('behind');
    await drained();
    waiting.cancel();
    await advance(10_000);
    expect(behind.status()).toBe('completed');
    expect(starts).toEqual([0, 0, 10_000]);
  });

  it('a task cancelled by the one that starts before it gives its place back', async () => {
    const starts: string[] = [];
    const { orchestrator } = simulated({
      services: {
        only: (task) => {
          starts.push(task);
          if (task === 'a') second.cancel();
        },
      },
      config: config({ rateLimit: sliding(2, 10) }),
    });
    void orchestrator.execute('a');
    const second = orchestrator.submit('b');
    void orchestrator.execute('c');
    await drained();
    expect(starts).toEqual(['a', 'c']);
  });

  it('retries count as starts', async () => {
    const starts: number[] = [];
    const { orchestrator, advance, clock } = simulated({
      services: {
        only: () => {
          starts.push(clock.now());
          throw new Error('again');
        },
      },
      config: config({ rateLimit: sliding(1, 10), backoffBaseSeconds: 1, maxRetries: 2 }),
    });
    const result = orchestrator.execute('x');
    for (let step = 0; step < 40; step += 1) await advance(1_000);
    expect((await result).attempts).toBe(3);
    expect(starts).toEqual([0, 10_000, 20_000]);
  });

  it('holds with tasks added from inside listeners, with pause, clear and a raised limit', async () => {
    const { orchestrator, starts, advance } = world(sliding(2, 10), { maxParallel: 1 });
    let added = 0;
    orchestrator.on('completed', () => {
      if (added < 5) void orchestrator.execute(`added ${++added}`);
    });
    void orchestrator.execute('x');
    await drained();
    expect(starts).toHaveLength(2);
    orchestrator.setMaxParallel(10).pause();
    await advance(10_000);
    expect(starts).toHaveLength(2);
    orchestrator.resume();
    await drained();
    expect(starts).toHaveLength(4);
    orchestrator.clear();
    await advance(10_000);
    expect(starts).toHaveLength(4);
  });
});
