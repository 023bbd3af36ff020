import { describe, expect, it, vi } from 'vitest';
import type { Orchestrator } from '../../src/index.js';
import {
  config,
  drained,
  expectNothingUnhandled,
  manualService,
  numbered,
  recordingLog,
  simulated,
  watched,
} from './support.js';

expectNothingUnhandled();

const world = (maxParallel = 1) => {
  const service = manualService();
  return {
    service,
    ...simulated({
      services: { only: service },
      config: config({ maxParallel, maxRetries: 0 }),
      log: recordingLog(),
    }),
  };
};

it.each([0, -1, Number.NaN, undefined])('onSizeLessThan(%s) is a TypeError', (size) => {
  const { orchestrator } = simulated();
  expect(() => orchestrator.onSizeLessThan(size as never)).toThrow(
    `onSizeLessThan takes a number above 0; got ${size}.`,
  );
});

describe('queue waiting', () => {
  it('every promise resolves at once if it is already true', async () => {
    const { orchestrator } = world();
    await Promise.all([
      orchestrator.onIdle(),
      orchestrator.onEmpty(),
      orchestrator.onNoneRunning(),
      orchestrator.onSizeLessThan(1),
      orchestrator.onRateLimitCleared(),
    ]);
  });

  it('empty when nothing waits, none running when nothing runs, idle when neither', async () => {
    const { orchestrator, service } = world();
    void orchestrator.executeParallel(['a', 'b']);
    const empty = watched(orchestrator.onEmpty());
    const none = watched(orchestrator.onNoneRunning());
    const idle = watched(orchestrator.onIdle());
    await drained();
    // Nothing ran in the tick of the submission.
    expect([empty.isDone(), none.isDone(), idle.isDone()]).toEqual([false, true, false]);
    const noneLater = watched(orchestrator.onNoneRunning());
    service.calls[0]?.resolve();
    await drained();
    expect([empty.isDone(), noneLater.isDone(), idle.isDone()]).toEqual([true, false, false]);
    service.calls[1]?.resolve();
    await drained();
    expect([noneLater.isDone(), idle.isDone()]).toEqual([true, true]);
  });

  it('a task in backoff keeps the queue from being idle', async () => {
    const service = manualService();
    const { orchestrator, advance } = simulated({ services: { only: service }, config: config() });
    void orchestrator.execute('a');
    await drained();
    service.calls[0]?.reject(new Error('flaky'));
    await drained();
    const idle = watched(orchestrator.onIdle());
    const none = watched(orchestrator.onNoneRunning());
    await drained();
    expect([idle.isDone(), none.isDone()]).toEqual([false, true]);
    await advance(1_000);
    service.calls[1]?.resolve();
    await drained();
    expect(idle.isDone()).toBe(true);
  });

  it('none running resolves while paused with tasks waiting', async () => {
    const { orchestrator, service } = world();
    void orchestrator.executeParallel(['a', 'b']);
    await drained();
    orchestrator.pause();
    const none = watched(orchestrator.onNoneRunning());
    service.calls[0]?.resolve();
    await drained();
    expect(none.isDone()).toBe(true);
    expect(orchestrator.stats()).toMatchObject({ queued: 1, running: 0 });
  });

  it('fewer than n: any number of waiters and different n at the same change', async () => {
    const { orchestrator } = world(1);
    orchestrator.pause();
    void orchestrator.executeParallel(numbered(10));
    const waiters = [1, 3, 5, 5, 10, 11].map((size) => watched(orchestrator.onSizeLessThan(size)));
    const done = (): boolean[] => waiters.map(({ isDone }) => isDone());
    await drained();
    expect(done()).toEqual([false, false, false, false, false, true]);
    orchestrator.clear();
    await drained();
    expect(done()).toEqual([true, true, true, true, true, true]);
  });

  const causes: [string, (world: ReturnType<typeof makeWaiting>) => unknown][] = [
    ['an end', ({ service }) => service.calls[0]?.resolve()],
    ['an error', ({ service }) => service.calls[0]?.reject(new Error('no'))],
    ['a raised limit', ({ orchestrator }) => orchestrator.setMaxParallel(5)],
    ['a raised concurrency', ({ orchestrator }) => orchestrator.setMaxParallel(2).setConcurrency('only', 2)],
    ['a cancel', ({ second }) => second.cancel()],
    ['clear', ({ orchestrator }) => orchestrator.clear()],
    ['a queue timeout', ({ clock }) => clock.increment(60_000)],
    ['a removed service', ({ orchestrator }) => orchestrator.registry.unregister('only')],
  ];
  const makeWaiting = () => {
    const made = world();
    void made.orchestrator.execute('first');
    const second = made.orchestrator.submit('second', { queueTimeoutSeconds: 60 });
    return { ...made, second };
  };
  it.each(causes)('empty resolves after %s', async (_, act) => {
    const made = makeWaiting();
    await drained();
    const empty = watched(made.orchestrator.onEmpty());
    const less = watched(made.orchestrator.onSizeLessThan(1));
    await drained();
    expect(empty.isDone()).toBe(false);
    act(made);
    await drained();
    expect([empty.isDone(), less.isDone()]).toEqual([true, true]);
  });

  it('empty resolves after start and after a rate window opens', async () => {
    const { orchestrator, advance } = simulated({
      services: { only: (task) => task },
      config: config({ startPaused: true, rateLimit: { limit: 1, intervalSeconds: 10 } }),
    });
    void orchestrator.executeParallel(['a', 'b']);
    const half = watched(orchestrator.onSizeLessThan(2));
    const empty = watched(orchestrator.onEmpty());
    await drained();
    expect(half.isDone()).toBe(false);
    orchestrator.resume();
    await drained();
    expect([half.isDone(), empty.isDone()]).toEqual([true, false]);
    await advance(10_000);
    expect(empty.isDone()).toBe(true);
  });

  it('of what becomes true by the same change: nothing runs, nothing waits, idle', async () => {
    const { orchestrator, service } = world();
    void orchestrator.execute('a');
    await drained();
    orchestrator.pause();
    const waiting = orchestrator.submit('b');
    await drained();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    void orchestrator.onIdle().then(note('idle'));
    void orchestrator.onEmpty().then(note('empty'));
    void orchestrator.onNoneRunning().then(note('none'));
    void orchestrator.onIdle().then(note('idle too'));
    waiting.cancel();
    service.calls[0]?.resolve();
    await drained();
    expect(order).toEqual(['empty', 'none', 'idle', 'idle too']);

    orchestrator.resume();
    order.length = 0;
    void orchestrator.execute('c');
    void orchestrator.onIdle().then(note('idle'));
    void orchestrator.onEmpty().then(note('empty'));
    await orchestrator.close({ drainSeconds: 0 });
    await drained();
    expect(order).toEqual(['empty', 'idle']);
  });

  it('tasks may arrive meanwhile: a waiter sees its moment, not the later one', async () => {
    const { orchestrator, service } = world();
    void orchestrator.execute('a');
    await drained();
    const idle = watched(orchestrator.onIdle());
    void orchestrator.execute('b');
    service.calls[0]?.resolve();
    await drained();
    expect(idle.isDone()).toBe(false);
    service.calls[1]?.resolve();
    await drained();
    expect(idle.isDone()).toBe(true);
    void orchestrator.execute('c');
    expect(watched(orchestrator.onIdle()).isDone()).toBe(false);
  });

  it('twenty thousand waiters resolve at the same change without a quadratic search', async () => {
    const { orchestrator, service } = world();
    void orchestrator.execute('a');
    await drained();
    let count = 0;
    for (let index = 0; index < 20_000; index += 1) void orchestrator.onIdle().then(() => (count += 1));
    const began = performance.now();
    service.calls[0]?.resolve();
    await drained();
    expect(count).toBe(20_000);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('waiters of a queue that closes resolve', async () => {
    const { orchestrator } = world();
    void orchestrator.executeParallel(['a', 'b']);
    await drained();
    const all = Promise.all([orchestrator.onIdle(), orchestrator.onEmpty(), orchestrator.onNoneRunning()]);
    await orchestrator.close({ drainSeconds: 0 });
    await all;
  });
});

describe('queue waiting for the first failure', () => {
  const failing =
    (orchestrator: Orchestrator, service: ReturnType<typeof manualService>) => async (text: string) => {
      void orchestrator.execute(text);
      await drained();
      service.open()[0]?.reject(new Error(text));
      await drained();
    };

  it('rejects with the first error, also when taken before any task exists', async () => {
    const { orchestrator, service } = world();
    const error = orchestrator.onError();
    const caught = vi.fn();
    error.catch(caught);
    const fail = failing(orchestrator, service);
    await fail('first');
    await fail('second');
    expect(caught).toHaveBeenCalledTimes(1);
    await expect(error).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    await expect(error).rejects.toThrow(/first/);
  });

  it('can race idle, and is not triggered by a cancelled waiting task', async () => {
    const { orchestrator, service } = world();
    void orchestrator.execute('a');
    const waiting = orchestrator.submit('b');
    await drained();
    const race = Promise.race([orchestrator.onIdle().then(() => 'idle'), orchestrator.onError()]);
    waiting.cancel();
    service.calls[0]?.resolve();
    expect(await race).toBe('idle');

    void orchestrator.execute('fails');
    await drained();
    const second = Promise.race([orchestrator.onIdle().then(() => 'idle'), orchestrator.onError()]);
    service.open()[0]?.reject(new Error('no'));
    await expect(second).rejects.toThrow(/no/);
  });

  it('is rejected by a timeout and by a refusal too', async () => {
    const { orchestrator, advance } = world();
    const first = orchestrator.onError();
    void orchestrator.execute('slow', { timeoutSeconds: 1 });
    const seen = expect(first).rejects.toMatchObject({ code: 'TIMEOUT' });
    await advance(1_000);
    await seen;
    const refused = expect(orchestrator.onError()).rejects.toMatchObject({ code: 'UNKNOWN_SERVICE' });
    void orchestrator.execute('x', { service: 'nobody' });
    await refused;
  });
});
