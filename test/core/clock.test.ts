import { afterEach, expect, it, vi } from 'vitest';
import { systemClock, systemEnvironment } from '../../src/index.js';

const DAY_MS = 86_400_000;

afterEach(() => {
  vi.restoreAllMocks();
});

it('fault P4 a jump of the wall clock moves nothing', () => {
  const before = systemClock.now();
  const wall = Date.now();
  for (const jumpMs of [DAY_MS, -DAY_MS]) {
    vi.spyOn(Date, 'now').mockReturnValue(wall + jumpMs);
    expect(Math.abs(systemClock.now() - before)).toBeLessThan(DAY_MS / 2);
  }
});

it('fault P6 a delay that Node cannot keep does not fire at once', async () => {
  const fired = vi.fn();
  const timer = systemClock.setTimeout(fired, 2 ** 31);
  await new Promise((resolve) => setTimeout(resolve, 5));
  systemClock.clearTimeout(timer);
  expect(fired).not.toHaveBeenCalled();
});

it('systemEnvironment() gives each orchestrator ids of its own', () => {
  const [first, second] = [systemEnvironment(), systemEnvironment()];
  const ids = [first.createId(), first.createId(), second.createId(), second.createId()];
  expect(new Set(ids).size).toBe(4);
});
