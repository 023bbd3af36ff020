import { describe, expect, it } from 'vitest';
import { config, drained, expectNothingUnhandled, manualService, simulated } from './support.js';

expectNothingUnhandled();

describe('queue insight', () => {
  it('running tasks: a fresh array with id, service, priority, attempt, time run, timeout and falling remaining time', async () => {
    const a = manualService();
    const b = manualService();
    const { orchestrator, advance } = simulated({
      services: { a, b },
      config: config({ maxParallel: 2, timeoutSeconds: 10 }),
    });
    expect(orchestrator.runningTasks()).toEqual([]);
    const first = orchestrator.submit('x', { service: 'b', priority: 3, timeoutSeconds: 30 });
    await advance(4_000);
    const second = orchestrator.submit('y', { service: 'a' });
    void orchestrator.execute('z', { service: 'a' });
    await advance(1_500);
    const running = orchestrator.runningTasks();
    expect(running).toEqual([
      {
        taskId: second.taskId,
        service: 'a',
        priority: 0,
        attempt: 1,
        runningSeconds: 1.5,
        timeoutSeconds: 10,
        remainingSeconds: 8.5,
      },
      {
        taskId: first.taskId,
        service: 'b',
        priority: 3,
        attempt: 1,
        runningSeconds: 5.5,
        timeoutSeconds: 30,
        remainingSeconds: 24.5,
      },
    ]);
    running.length = 0;
    expect(orchestrator.runningTasks()).toHaveLength(2);
  });

  it('neither abandoned attempts nor tasks in backoff are running; a retry is', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 2, backoffBaseSeconds: 1 }),
    });
    void orchestrator.execute('x');
    await advance(2_000);
    expect(orchestrator.stats()).toMatchObject({ abandoned: 1, retrying: 1 });
    expect(orchestrator.runningTasks()).toEqual([]);
    await advance(500);
    expect(orchestrator.runningTasks()).toMatchObject([
      { attempt: 2, runningSeconds: 0, remainingSeconds: 2 },
    ]);
  });

  it('waiting tasks: in the order in which they would start, with id, service, priority and time waited', async () => {
    const { orchestrator, advance } = simulated({
      services: { only: manualService() },
      config: config({ startPaused: true }),
    });
    const low = orchestrator.submit('low');
    await advance(2_000);
    const high = orchestrator.submit('high', { priority: 1 });
    await advance(500);
    expect(orchestrator.waitingTasks()).toEqual([
      { taskId: high.taskId, service: 'only', priority: 1, waitingSeconds: 0.5 },
      { taskId: low.taskId, service: 'only', priority: 0, waitingSeconds: 2.5 },
    ]);
  });

  it('paused is what was asked for last', () => {
    const { orchestrator } = simulated();
    expect(orchestrator.isPaused).toBe(false);
    expect(orchestrator.pause().isPaused).toBe(true);
    expect(orchestrator.stats().isPaused).toBe(true);
    expect(orchestrator.resume().isPaused).toBe(false);
  });

  it('saturated when nothing more can start and something waits; never while paused', async () => {
    const service = manualService();
    const { orchestrator } = simulated({ services: { only: service }, config: config({ maxParallel: 2 }) });
    const states: boolean[] = [];
    const note = async (): Promise<void> => {
      await drained();
      states.push(orchestrator.isSaturated);
    };
    await note();
    void orchestrator.executeParallel(['a', 'b']);
    await note();
    void orchestrator.execute('c');
    await note();
    orchestrator.pause();
    await note();
    orchestrator.resume();
    await note();
    service.open()[0]?.resolve();
    await note();
    expect(states).toEqual([false, false, true, false, true, false]);
  });

  it('saturated by concurrency, by a rate window and by an open circuit as well', async () => {
    const limited = simulated({
      services: { only: { service: manualService(), concurrency: 1 } },
      config: config({ maxParallel: 5 }),
    }).orchestrator;
    void limited.executeParallel(['a', 'b']);
    const rated = simulated({
      services: { only: (task) => task },
      config: config({ rateLimit: { limit: 1, intervalSeconds: 10 } }),
    }).orchestrator;
    void rated.executeParallel(['a', 'b']);
    const down = simulated({
      services: { only: () => Promise.reject(new Error('down')) },
      config: config({ maxParallel: 1, maxRetries: 0, circuitFailures: 1 }),
    }).orchestrator;
    void down.executeParallel(['a', 'b']);
    await drained();
    expect([limited, rated, down].map(({ isSaturated }) => isSaturated)).toEqual([true, true, true]);
  });

  it('a handle tells where its task is', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, maxRetries: 1 }),
    });
    const handle = orchestrator.submit('x');
    const states = [handle.status()];
    await drained();
    states.push(handle.status());
    service.calls[0]?.reject(new Error('no'));
    await drained();
    states.push(handle.status());
    await advance(1_000);
    states.push(handle.status());
    service.calls[1]?.resolve();
    await handle.result();
    states.push(handle.status());
    expect(states).toEqual(['queued', 'running', 'retrying', 'running', 'completed']);
  });
});
