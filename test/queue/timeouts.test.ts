import { describe, expect, it } from 'vitest';
import { config, drained, expectNothingUnhandled, manualService, simulated } from './support.js';

expectNothingUnhandled();

const wrong = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', null];

describe('queue timeouts', () => {
  it('there is a default, which a task may override in both directions', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 10, maxRetries: 0 }),
    });
    const results = {
      standard: orchestrator.execute('standard'),
      short: orchestrator.execute('short', { timeoutSeconds: 2 }),
      long: orchestrator.execute('long', { timeoutSeconds: 20.5 }),
    };
    const left = (): number => orchestrator.stats().running;
    await advance(1_999);
    expect(left()).toBe(3);
    await advance(1);
    expect((await results.short).error).toContain('2 s');
    await advance(7_999);
    expect(left()).toBe(2);
    await advance(1);
    expect((await results.standard).error).toContain('10 s');
    await advance(10_499);
    expect(left()).toBe(1);
    await advance(1);
    expect((await results.long).error).toContain('20.5 s');
  });

  it('it is changeable later: for tasks to come, not for those accepted', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 10, maxRetries: 0 }),
    });
    void orchestrator.execute('old');
    orchestrator.setTimeoutSeconds(1);
    void orchestrator.execute('young');
    void orchestrator.execute('own', { timeoutSeconds: 5 });
    await drained();
    expect(orchestrator.runningTasks().map(({ timeoutSeconds }) => timeoutSeconds)).toEqual([10, 1, 5]);
    await advance(1_000);
    expect(orchestrator.stats()).toMatchObject({ running: 2, timedOut: 1 });
  });

  it.each(wrong)('%s is a TypeError, at construction, per task and on assignment', async (value) => {
    const timeoutSeconds = value as never;
    expect(() => config({ timeoutSeconds })).toThrow(TypeError);
    const { orchestrator } = simulated({ services: { only: (task) => task } });
    expect(() => orchestrator.setTimeoutSeconds(timeoutSeconds)).toThrow(TypeError);
    for (const name of ['timeoutSeconds', 'queueTimeoutSeconds', 'deadlineSeconds']) {
      await expect(orchestrator.execute('x', { [name]: value })).rejects.toThrow(TypeError);
      await expect(orchestrator.executeParallel(['x'], { [name]: value })).rejects.toThrow(name);
    }
    expect(() => orchestrator.setTimeoutSeconds(undefined as never)).toThrow(TypeError);
    expect(orchestrator.stats().submitted).toBe(0);
  });

  it('the error names task, limit, waiting and running', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 2, timeoutSeconds: 3, maxRetries: 0 }),
    });
    const handle = orchestrator.submit('slow');
    void orchestrator.execute('long', { timeoutSeconds: 100 });
    for (const task of ['x', 'y', 'z']) void orchestrator.execute(task);
    await advance(3_000);
    const result = await handle.result();
    expect(result.errorDetails).toMatchObject({
      taskId: handle.taskId,
      service: 'only',
      timeoutSeconds: 3,
      waiting: 3,
      running: 2,
    });
    for (const part of [handle.taskId, 'only', '3 s', '2 ran', '3 waited'])
      expect(result.error).toContain(part);
  });

  it('a timed-out job is aborted, not just abandoned', async () => {
    const seen: unknown[] = [];
    const { orchestrator, advance } = simulated({
      services: {
        only: (_task, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              seen.push(signal.reason);
              reject(signal.reason);
            });
          }),
      },
      config: config({ timeoutSeconds: 3, maxRetries: 0 }),
    });
    const result = orchestrator.execute('slow');
    await advance(3_000);
    expect((await result).errorCode).toBe('TIMEOUT');
    expect(seen).toMatchObject([{ code: 'TIMEOUT' }]);
    await drained();
    expect(orchestrator.stats()).toMatchObject({ abandoned: 0, running: 0 });
  });

  it('a job that ends in time is not aborted later', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ timeoutSeconds: 3 }),
    });
    const result = orchestrator.execute('quick');
    await advance(2_999);
    service.calls[0]?.resolve('ok');
    expect((await result).result).toBe('ok');
    await advance(60_000);
    expect(service.calls[0]?.context.signal.aborted).toBe(false);
    expect(orchestrator.stats()).toMatchObject({ timedOut: 0, completed: 1 });
  });

  it('the three limits are apart: waiting, one attempt, the whole task', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({
      services: { only: service },
      config: config({ maxParallel: 1, backoffBaseSeconds: 1 }),
    });
    void orchestrator.execute('first', { timeoutSeconds: 4, maxRetries: 0 });
    const second = orchestrator.execute('second', {
      queueTimeoutSeconds: 5,
      timeoutSeconds: 3,
      deadlineSeconds: 9,
    });
    await advance(4_000);
    service.calls[0]?.resolve();
    await drained();
    // Deadline 9 s, 4 of them waited.
    expect(service.calls[1]?.context.deadline).toBe(5);
    await advance(3_000);
    service.calls[1]?.resolve();
    await advance(500);
    expect(service.calls[2]?.context.deadline).toBe(1.5);
    await advance(1_499);
    expect(orchestrator.stats().running).toBe(1);
    await advance(1);
    const result = await second;
    expect(result).toMatchObject({ status: 'timed_out', attempts: 2, queueTime: 4, executionTime: 5 });
    expect(result.error).toContain('deadlineSeconds (9 s)');
  });
});
