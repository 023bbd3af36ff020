import { describe, expect, it } from 'vitest';
import { type ProcessGroup, spawnGroup } from '../../src/services/process-group.js';
import { eventually, membersOf, timed } from './isolation-support.js';

const start = (script: string): Promise<ProcessGroup> =>
  spawnGroup({
    file: 'sh',
    args: ['-c', script],
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const pidOf = (group: ProcessGroup): number => group.child.pid ?? -1;

describe('ProcessGroup', () => {
  it('end() is quick with processes that heed SIGTERM', async () => {
    const group = await start('sleep 60 & sleep 60 & wait');
    expect(await eventually(() => membersOf(pidOf(group)).length === 3)).toBe(true);
    expect(await timed(group.end())).toBeLessThan(500);
    expect(membersOf(pidOf(group))).toEqual([]);
    expect(await group.exited).toEqual({ exitCode: null, signal: 'SIGTERM' });
  });

  it('fault S14: end() sends SIGKILL to the whole group after 2 s', async () => {
    const group = await start("trap '' TERM; sleep 60 & while :; do sleep 1; done");
    expect(await eventually(() => membersOf(pidOf(group)).length >= 3)).toBe(true);
    const tookMs = await timed(group.end());
    expect(tookMs).toBeGreaterThan(1950);
    expect(tookMs).toBeLessThan(2500);
    expect(membersOf(pidOf(group))).toEqual([]);
  });

  it('a child that ends by itself takes its group with it', async () => {
    const group = await start("trap '' TERM; sleep 60 & exit 4");
    expect(await group.exited).toEqual({ exitCode: 4, signal: null });
    expect(await eventually(() => membersOf(pidOf(group)).length === 0)).toBe(true);
    expect(await timed(group.end())).toBeLessThan(20);
  });

  it('leaves no listener on the process behind', async () => {
    const before = process.listenerCount('exit');
    const groups = await Promise.all([start('sleep 60'), start('sleep 60')]);
    expect(process.listenerCount('exit')).toBe(before + 1);
    await Promise.all(groups.map((group) => group.end()));
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('fault S12: 100 restarts leave no orphan', async () => {
    const ids: number[] = [];
    for (let round = 0; round < 100; round += 1) {
      const group = await start("trap '' TERM; sleep 60 & kill -9 $$");
      ids.push(pidOf(group));
      await group.exited;
    }
    expect(new Set(ids).size).toBe(100);
    expect(await eventually(() => membersOf(...ids).length === 0)).toBe(true);
  });
});
