import { describe, expect, it } from 'vitest';
import { createProgressReporter, type ProgressUpdate } from '../../src/mcp/progress.js';

/** A wire that takes each notification only when the test says so. */
function slowWire() {
  const sent: ProgressUpdate[] = [];
  const waiting: (() => void)[] = [];
  const send = (update: ProgressUpdate) => {
    sent.push(update);
    return new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { sent, send, take: () => waiting.shift()?.() };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('createProgressReporter()', () => {
  it('fault C12 sends what rises and drops the rest', async () => {
    const sent: ProgressUpdate[] = [];
    const reporter = createProgressReporter(async (update) => void sent.push(update));
    for (const fraction of [0, 0.2, 0.2, 0.1, Number.NaN, 0.5, 7, 1]) {
      reporter.report(fraction, undefined);
      await settle();
    }
    expect(sent.map(({ progress }) => progress)).toEqual([0.2, 0.5, 1]);
  });

  it('fault C12 sends nothing after it is closed, and closes once the last one is out', async () => {
    const wire = slowWire();
    const reporter = createProgressReporter(wire.send);
    reporter.report(0.1, 'one');
    reporter.report(0.2, 'two');
    let isClosed = false;
    const closed = reporter.close().then(() => {
      isClosed = true;
    });
    await settle();
    expect(isClosed).toBe(false);
    wire.take();
    await closed;
    reporter.report(0.9, 'late');
    await settle();
    expect(wire.sent).toEqual([{ progress: 0.1, message: 'one' }]);
  });

  it('keeps only the latest report while one is under way', async () => {
    const wire = slowWire();
    const reporter = createProgressReporter(wire.send);
    for (let step = 1; step <= 1000; step++) reporter.report(step / 1000, undefined);
    wire.take();
    await settle();
    expect(wire.sent.map(({ progress }) => progress)).toEqual([0.001, 1]);
  });

  it('survives a caller who is gone', async () => {
    const reporter = createProgressReporter(() => Promise.reject(new Error('closed')));
    reporter.report(0.5, undefined);
    await expect(reporter.close()).resolves.toBeUndefined();
  });
});
