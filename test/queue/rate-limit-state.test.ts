import { describe, expect, it } from 'vitest';
import { config, drained, expectNothingUnhandled, numbered, simulated, watched } from './support.js';

expectNothingUnhandled();

const world = (fields: Parameters<typeof config>[0] = {}) => {
  const simulation = simulated({
    services: { only: (task) => task },
    config: config({ rateLimit: { limit: 2, intervalSeconds: 10 }, ...fields }),
  });
  const seen: string[] = [];
  simulation.orchestrator.on('rateLimit', () => seen.push('limited'));
  simulation.orchestrator.on('rateLimitCleared', () => seen.push('cleared'));
  return { ...simulation, seen };
};

describe('queue rate-limit state', () => {
  it('is true only while something waits for the window', async () => {
    const { orchestrator, seen, advance } = world();
    expect(orchestrator.isRateLimited).toBe(false);
    await orchestrator.executeParallel(numbered(2));
    // The window is full, but nothing waits for it.
    expect(orchestrator.isRateLimited).toBe(false);
    void orchestrator.execute('waits');
    await drained();
    expect(orchestrator.isRateLimited).toBe(true);
    await advance(10_000);
    expect(orchestrator.isRateLimited).toBe(false);
    expect(seen).toEqual(['limited', 'cleared']);
  });

  it('entering and leaving fire once each, however much waits', async () => {
    const { orchestrator, seen, advance } = world();
    void orchestrator.executeParallel(numbered(9));
    for (const _ of [1, 2, 3]) await advance(10_000);
    expect(seen).toEqual(['limited']);
    await advance(10_000);
    expect(seen).toEqual(['limited', 'cleared']);
    await advance(10_000);
    void orchestrator.executeParallel(numbered(3));
    await advance(10_000);
    expect(seen).toEqual(['limited', 'cleared', 'limited', 'cleared']);
  });

  it('there are promises for both', async () => {
    const { orchestrator, advance } = world();
    const entered = watched(orchestrator.onRateLimited());
    await orchestrator.onRateLimitCleared();
    await orchestrator.executeParallel(numbered(2));
    await drained();
    expect(entered.isDone()).toBe(false);
    void orchestrator.execute('waits');
    await drained();
    expect(entered.isDone()).toBe(true);
    await orchestrator.onRateLimited();
    const left = watched(orchestrator.onRateLimitCleared());
    await drained();
    expect(left.isDone()).toBe(false);
    await advance(10_000);
    expect(left.isDone()).toBe(true);
  });

  it('they come under pause as well', async () => {
    const { orchestrator, seen, advance } = world();
    await orchestrator.executeParallel(numbered(2));
    orchestrator.pause();
    void orchestrator.execute('waits');
    await drained();
    expect(orchestrator.isRateLimited).toBe(true);
    const left = watched(orchestrator.onRateLimitCleared());
    await advance(10_000);
    expect(left.isDone()).toBe(true);
    expect([orchestrator.isRateLimited, orchestrator.isPaused]).toEqual([false, true]);
    expect(seen).toEqual(['limited', 'cleared']);
  });

  it.each([
    ['clear', true],
    ['an abort of everything that waits', false],
  ])('%s leaves it at once, also under pause', async (_, byClear) => {
    for (const isPaused of [false, true]) {
      const { orchestrator, seen } = world();
      await orchestrator.executeParallel(numbered(2));
      if (isPaused) orchestrator.pause();
      const handles = numbered(3).map((task) => orchestrator.submit(task));
      await drained();
      expect(orchestrator.isRateLimited).toBe(true);
      const left = watched(orchestrator.onRateLimitCleared());
      if (byClear) orchestrator.clear();
      else for (const handle of handles) handle.cancel();
      expect(orchestrator.isRateLimited).toBe(false);
      await drained();
      expect(left.isDone()).toBe(true);
      expect(seen).toEqual(['limited', 'cleared']);
    }
  });

  it('a limit per service makes the same state', async () => {
    const { orchestrator, advance } = simulated({
      services: { only: { execute: (task: string) => task, rateLimit: { limit: 1, intervalSeconds: 10 } } },
    });
    const seen: string[] = [];
    orchestrator
      .on('rateLimit', () => seen.push('limited'))
      .on('rateLimitCleared', () => seen.push('cleared'));
    void orchestrator.executeParallel(['a', 'b']);
    await drained();
    expect(orchestrator.isRateLimited).toBe(true);
    await advance(10_000);
    expect(seen).toEqual(['limited', 'cleared']);
    expect(orchestrator.isRateLimited).toBe(false);
  });

  it('no timer is left when the work is done', async () => {
    const { orchestrator, advance, clock } = world();
    void orchestrator.executeParallel(numbered(3));
    await advance(10_000);
    expect(orchestrator.stats().completed).toBe(3);
    // Its instances rest a moment later.
    await advance(5);
    const { timeouts } = clock as unknown as { timeouts: Map<unknown, unknown> };
    expect(timeouts.size).toBe(0);
  });
});
