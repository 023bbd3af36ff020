import { describe, expect, it } from 'vitest';
import type { Orchestrator, OrchestratorEvents } from '../../src/index.js';
import { config, drained, expectNothingUnhandled, manualService, numbered, simulated } from './support.js';

expectNothingUnhandled();

const names = ['add', 'active', 'next', 'completed', 'error', 'empty', 'idle'] as const;
type Counts = Partial<Record<(typeof names)[number], number>>;

/** Counts every event from now on. */
function counted(orchestrator: Orchestrator): { readonly counts: Counts; readonly seen: string[] } {
  const counts: Counts = {};
  const seen: string[] = [];
  for (const name of names) {
    orchestrator.on(name, () => {
      counts[name] = (counts[name] ?? 0) + 1;
      seen.push(name);
    });
  }
  return { counts, seen };
}

const world = (maxParallel = 1) => {
  const service = manualService();
  return {
    service,
    ...simulated({ services: { only: service }, config: config({ maxParallel, maxRetries: 0 }) }),
  };
};

describe('queue events', () => {
  it('add per task, active per start, next per end, completed or error per outcome, once each', async () => {
    const { orchestrator, service } = world(2);
    const { counts } = counted(orchestrator);
    void orchestrator.executeParallel(numbered(5));
    await drained();
    expect(counts).toEqual({ add: 5, active: 2 });
    service.open()[0]?.resolve();
    await drained();
    service.open()[0]?.reject(new Error('no'));
    await drained();
    expect(counts).toEqual({ add: 5, active: 4, next: 2, completed: 1, error: 1 });
    for (const call of service.open()) call.resolve();
    await drained();
    expect(counts).toEqual({ add: 5, active: 5, next: 4, completed: 3, error: 1, empty: 1 });
    service.open()[0]?.resolve();
    await drained();
    expect(counts).toEqual({ add: 5, active: 5, next: 5, completed: 4, error: 1, empty: 1, idle: 1 });
  });

  it('a retry is no second start of the task, and only its last outcome is told', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxRetries: 1 }),
    });
    const { counts } = counted(orchestrator);
    void orchestrator.execute('flaky');
    await drained();
    service.calls[0]?.reject(new Error('no'));
    await advance(1_000);
    service.calls[1]?.resolve();
    await drained();
    expect(counts).toEqual({ add: 1, active: 1, next: 1, completed: 1, empty: 1, idle: 1 });
  });

  it('what is refused at once is an end too', async () => {
    const { orchestrator } = world();
    const { counts } = counted(orchestrator);
    await orchestrator.execute('x', { service: 'nobody' });
    await orchestrator.execute('x', { signal: AbortSignal.abort() });
    await drained();
    expect(counts).toMatchObject({ add: 2, next: 2, error: 1 });
    expect(counts.active).toBeUndefined();
    expect(counts.completed).toBeUndefined();
  });

  it('clear with running tasks gives empty at once and idle at their end', async () => {
    const { orchestrator, service } = world(2);
    const { counts, seen } = counted(orchestrator);
    void orchestrator.executeParallel(numbered(5));
    await drained();
    orchestrator.clear();
    expect(counts).toEqual({ add: 5, active: 2, next: 3, empty: 1 });
    for (const call of service.open()) call.resolve();
    await drained();
    expect(counts).toEqual({ add: 5, active: 2, next: 5, completed: 2, empty: 1, idle: 1 });
    expect(seen.at(-1)).toBe('idle');
  });

  it('clear without running tasks gives empty and idle', async () => {
    const { orchestrator } = world();
    const { counts } = counted(orchestrator);
    orchestrator.pause();
    void orchestrator.executeParallel(numbered(3));
    await drained();
    orchestrator.clear();
    expect(counts).toEqual({ add: 3, next: 3, empty: 1, idle: 1 });
  });

  it('empty and idle come again with each new load', async () => {
    const { orchestrator, service } = world();
    const { counts } = counted(orchestrator);
    for (let round = 1; round <= 3; round += 1) {
      void orchestrator.execute('x');
      await drained();
      service.open()[0]?.resolve();
      await drained();
      expect(counts).toMatchObject({ empty: round, idle: round });
    }
  });

  it('listeners that come after the tasks hear empty and idle as well', async () => {
    const { orchestrator, service } = world();
    void orchestrator.executeParallel(['a', 'b', 'c']);
    const early = counted(orchestrator);
    await drained();
    void orchestrator.on('next', () => {});
    service.open()[0]?.resolve();
    await drained();
    service.open()[0]?.resolve();
    await drained();
    service.open()[0]?.resolve();
    await drained();
    expect(early.counts).toMatchObject({ active: 3, next: 3, completed: 3, empty: 1, idle: 1 });
  });

  it('listeners that come while tasks run, wait and back off hear empty and idle once each', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: { service, concurrency: 3 } },
      config: config({ maxParallel: 1, backoffBaseSeconds: 1 }),
    });
    void orchestrator.executeParallel(['flaky', 'running', 'waiting']);
    await drained();
    service.calls[0]?.reject(new Error('no'));
    await drained();
    const { counts } = counted(orchestrator);
    service.calls[1]?.resolve();
    await drained();
    expect(counts).toMatchObject({ empty: 1 });
    service.calls[2]?.resolve();
    await advance(500);
    expect(counts.idle).toBeUndefined();
    service.calls[3]?.resolve();
    await drained();
    expect(counts).toMatchObject({ next: 3, completed: 3, empty: 1, idle: 1 });
  });

  it('listeners that go and come back miss only what happened meanwhile', async () => {
    const { orchestrator, service } = world();
    let idles = 0;
    const listener = (): void => {
      idles += 1;
    };
    orchestrator.on('idle', listener);
    void orchestrator.execute('a');
    await drained();
    orchestrator.off('idle', listener);
    service.open()[0]?.resolve();
    await drained();
    expect(idles).toBe(0);
    orchestrator.on('idle', listener);
    void orchestrator.execute('b');
    await drained();
    service.open()[0]?.resolve();
    await drained();
    expect(idles).toBe(1);
  });

  it('state first: a listener sees true counts, and nothing of a task comes after its result', async () => {
    const { orchestrator, service } = world(2);
    const settled = new Set<string>();
    orchestrator.on('event', (event) => {
      if (!('taskId' in event) || event.type === 'ended') return;
      expect(settled.has(event.taskId)).toBe(false);
      if (event.type === 'settled') settled.add(event.taskId);
    });
    orchestrator.on('idle', () => expect(orchestrator.stats()).toMatchObject({ running: 0, queued: 0 }));
    orchestrator.on('next', () => expect(orchestrator.stats().running).toBeLessThanOrEqual(2));
    const handles = numbered(6).map((task) => orchestrator.submit(task));
    await drained();
    handles[0]?.cancel();
    handles[5]?.cancel();
    for (let count = 0; count < 6; count += 1) {
      for (const call of service.open()) call.resolve();
      await drained();
    }
    expect(settled.size).toBe(6);
  });

  it('an event that there is not is refused, and the known ones are named', () => {
    const { orchestrator } = world();
    expect(() => orchestrator.on('complete' as 'completed', () => {})).toThrow(
      /^There is no event "complete"; known: accepted, add, .*completed/,
    );
  });

  it('off takes a listener off, and close takes all', async () => {
    const { orchestrator, service } = world();
    const { counts } = counted(orchestrator);
    const extra: OrchestratorEvents['add'][0][] = [];
    const listener = (taskId: string): void => void extra.push(taskId);
    orchestrator.on('add', listener).off('add', listener);
    void orchestrator.execute('x');
    await drained();
    service.open()[0]?.resolve();
    await orchestrator.close();
    expect(extra).toEqual([]);
    const before = { ...counts };
    await orchestrator.execute('late');
    expect(counts).toEqual(before);
  });
});
