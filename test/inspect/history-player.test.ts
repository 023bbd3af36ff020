import { describe, expect, it } from 'vitest';
import { parseHistory } from '../../src/core/history.js';
import { createFlightRecorder } from '../../src/inspect/flight-recorder.js';
import { playHistory } from '../../src/inspect/history-player.js';
import { drained, manualService, simulated } from '../support/simulation.js';

/** A run of some seconds: three tasks on two instances, a retry, an abandoned attempt, an open circuit. */
async function aRun(keepEvents: number) {
  const work = manualService();
  const { orchestrator, advance } = simulated({
    services: { work: { service: work, concurrency: 2 }, idle: () => 'never asked' },
    config: { taskConfig: { timeoutSeconds: 2, maxRetries: 1 }, routingConfig: { fallbackService: 'work' } },
  });
  const recorder = createFlightRecorder(orchestrator, { keepEvents, now: () => 0 });
  const all = [
    orchestrator.execute('a'),
    orchestrator.execute('b', { maxRetries: 0 }),
    orchestrator.execute('c', { priority: -1 }),
  ];
  await drained();
  await advance(1000);
  work.calls[0]?.reject({ message: 'again', retryable: true });
  // The attempt of b times out at 2,000 ms; its code goes on until the end.
  for (let step = 0; step < 20; step += 1) {
    await advance(500);
    for (const call of work.open()) if (call.task !== 'b') call.resolve();
  }
  for (const call of work.open()) call.resolve('late');
  await drained();
  await Promise.all(all);
  return parseHistory(recorder.toNdjson());
}

describe('playHistory()', () => {
  it('shows services, instances and tasks as they were at any moment', async () => {
    const player = playHistory(await aRun(1000));
    expect(player.startMs).toBe(0);
    expect(player.frameAt(-1)).toMatchObject({ facts: 0, submitted: 0, tasks: [], running: 0, queued: 0 });
    const early = player.frameAt(500);
    expect(early).toMatchObject({ submitted: 3, running: 2, queued: 1, retrying: 0, settled: {} });
    expect(early.services).toMatchObject([
      {
        name: 'work',
        state: 'busy',
        queued: 1,
        running: 2,
        instances: [
          { id: 'work#0', state: 'busy', taskId: 't1', attempt: 1 },
          { id: 'work#1', state: 'busy', taskId: 't2', attempt: 1 },
        ],
      },
    ]);
    const later = player.frameAt(2000);
    expect(later.settled).toMatchObject({ timed_out: 1 });
    expect(later.services[0]).toMatchObject({ abandoned: 1 });
    expect(later.services[0]?.instances[1]).toMatchObject({ state: 'abandoned', taskId: 't2' });
    // The slider may jump back: the same moment is the same frame.
    expect(player.frameAt(500)).toEqual(early);
    expect(player.frameAt(500, 1).tasks).toHaveLength(1);
    expect(player.frameAt(Number.POSITIVE_INFINITY).facts).toBe(player.facts);
  });

  it('shows the same frames when the beginning of the history was cut off', async () => {
    const whole = playHistory(await aRun(1000));
    for (const keepEvents of [1, 4, 9, 15]) {
      const cut = playHistory(await aRun(keepEvents));
      for (const atMs of [cut.startMs, (cut.startMs + cut.endMs) / 2, cut.endMs]) {
        const { facts: _, services, ...frame } = cut.frameAt(atMs);
        const { facts: __, services: expected, ...rest } = whole.frameAt(atMs);
        expect({ keepEvents, ...frame }).toEqual({ keepEvents, ...rest });
        // Instances without a task since then are not known.
        const counts = (all: typeof services) => all.map(({ instances: ___, ...each }) => each);
        expect(counts(services)).toEqual(counts(expected));
      }
    }
  });

  it('tells what each task was at, as stretches that join without a gap', async () => {
    const player = playHistory(await aRun(1000));
    const stretches = player.stretchesBetween(player.startMs - 1, player.endMs);
    const ofA = stretches.filter(({ taskId }) => taskId === 't1');
    expect(ofA.map(({ phase, attempt }) => [phase, attempt])).toEqual([
      ['submitted', 0],
      ['queued', 0],
      ['running', 1],
      ['backoff', 1],
      ['running', 2],
    ]);
    for (const [index, { fromMs }] of ofA.entries()) {
      if (index > 0) expect(fromMs).toBe(ofA[index - 1]?.toMs);
    }
    expect(ofA.at(-1)).toMatchObject({ instance: 'work#0', ended: 'completed' });
    // A window shows what reaches into it, cut off at its sides.
    const middle = player.stretchesBetween(200, 700);
    expect(middle.map(({ fromMs, toMs, ended }) => [fromMs, toMs, ended])).toEqual(
      middle.map(() => [200, 700, null]),
    );
    expect(middle).toHaveLength(3);
    expect(player.stretchesBetween(200, 700, 2)).toHaveLength(2);
    expect(player.stretchesBetween(700, 200)).toBeInstanceOf(Array);
  });

  it('gives the facts of a window, the latest first to stay', async () => {
    const player = playHistory(await aRun(1000));
    expect(player.factsBetween(-1, player.endMs)).toHaveLength(player.facts);
    expect(player.factsBetween(0, 999)).toEqual([]);
    expect(player.factsBetween(-1, 0, 2)).toHaveLength(2);
    expect(player.factsBetween(5000, -5)).toEqual([]);
  });

  it('plays an empty history', () => {
    const player = playHistory({ events: [], cut: null });
    expect(player).toMatchObject({ startMs: 0, endMs: 0, facts: 0 });
    expect(player.frameAt(0)).toMatchObject({ services: [], tasks: [] });
    expect(player.stretchesBetween(0, 10)).toEqual([]);
  });

  it('finds any moment of a long history quickly, without keeping a state of every moment', async () => {
    const { orchestrator } = simulated({ services: { echo: (task: string) => task } });
    const recorder = createFlightRecorder(orchestrator, { keepEvents: 200_000 });
    await orchestrator.executeParallel(Array.from({ length: 20_000 }, (_, index) => `task ${index}`));
    const player = playHistory(parseHistory(recorder.toNdjson()));
    expect(player.facts).toBe(80_000);
    const before = performance.now();
    for (let step = 0; step < 20; step += 1) player.frameAt(player.startMs);
    expect((performance.now() - before) / 20).toBeLessThan(200);
  });
});
