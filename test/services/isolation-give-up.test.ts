import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator } from '../../src/index.js';
import { attempt, begin, eventually, isolations, membersOf, open, timed } from './isolation-support.js';

describe.each(isolations)('an attempt given up, isolate: %j', (isolate) => {
  it('fault S5, fault S10: code that never yields is ended within 1 s of its timeout, and replaced', async () => {
    const services = {
      endless: open('endless', { isolate, concurrency: 1 }),
      other: open('default', { isolate }),
    };
    const orchestrator = createOrchestrator({
      services,
      log: silentLog,
      config: { taskConfig: { maxRetries: 0 } },
    });
    const run = () => orchestrator.execute('x', { service: 'endless', timeoutSeconds: 0.5 });

    expect(await run()).toMatchObject({ status: 'timed_out', errorCode: 'TIMEOUT' });
    expect(orchestrator.stats()).toMatchObject({ running: 0, abandoned: 1 });
    const sinceMs = performance.now();
    // The only instance is held until the thread or process is gone: the next attempt runs in another one.
    const next = run();
    expect(await eventually(() => orchestrator.stats().abandoned === 0)).toBe(true);
    expect(performance.now() - sinceMs).toBeLessThan(1000);
    expect(await next).toMatchObject({ status: 'timed_out', attempts: 1 });
    expect(await orchestrator.execute('y', { service: 'other' })).toMatchObject({ success: true });
    await orchestrator.close({ drainSeconds: 0 });
  });

  it('fault S5: code that is deaf to its signal and to SIGTERM is ended within 1 s', async () => {
    const service = open('deaf', { isolate });
    const { ended, giveUp } = begin(service);
    await warm(service);
    giveUp();
    expect(await timed(ended)).toBeLessThan(1000);
    await expect(ended).rejects.toThrow('given up by the test');
  });

  it('keeps the thread or process of code that heeds the abort', async () => {
    const place = open('whereabouts', { isolate });
    const before = await attempt(place);
    const { ended, giveUp } = begin(place, { kwargs: { waitMs: 40 } });
    giveUp();
    await expect(ended).rejects.toThrow('given up by the test');
    expect(await attempt(place)).toEqual({ ...(before as object), calls: 3 });
  });
});

it('fault S14: a process that ignores SIGTERM is killed, and the processes that it started with it', async () => {
  const service = open('startsGrandchild', { isolate: 'process' });
  const place = (await attempt(service, { kwargs: { next: 'answer' } })) as { pid: number; child: number };
  expect(membersOf(place.pid)).toHaveLength(2);
  const { ended, giveUp } = begin(service, { kwargs: { next: 'wait' } });
  expect(await eventually(() => membersOf(place.pid).length === 3)).toBe(true);
  giveUp();
  expect(await timed(ended)).toBeLessThan(1000);
  expect(membersOf(place.pid)).toEqual([]);
});

/** Waits until a second attempt, in a thread or process of its own, was given up: by then the first one runs too. */
async function warm(service: Parameters<typeof begin>[0]): Promise<void> {
  const second = begin(service);
  await new Promise((resolve) => setTimeout(resolve, 600));
  second.giveUp();
  await timed(second.ended);
}
