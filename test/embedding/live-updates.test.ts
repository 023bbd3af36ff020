import { expect, it } from 'vitest';
import { liveUpdates } from '../../src/adapters/live-updates.js';
import { drained } from '../support/simulation.js';

type Report = (fraction: number, message?: string) => void;

/** Work that a test moves on by hand. */
function work() {
  const state: {
    report: Report;
    end: (value: string) => void;
    fail: (cause: Error) => void;
    signal?: AbortSignal;
  } = {
    report: () => {},
    end: () => {},
    fail: () => {},
  };
  const run = (signal: AbortSignal, onProgress: (fraction: number, message: string | undefined) => void) =>
    new Promise<string>((resolve, reject) => {
      Object.assign(state, { signal, report: onProgress, end: resolve, fail: reject });
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  return { state, run };
}

it('liveUpdates() yields reports that rise, the latest of those that nobody took, and the value last', async () => {
  const { state, run } = work();
  const updates = liveUpdates(run, undefined);
  const first = updates.next();
  await drained();
  state.report(0.1, 'a');
  expect(await first).toEqual({ done: false, value: { status: 'running', progress: 0.1, message: 'a' } });
  state.report(0.3);
  state.report(0.2);
  state.report(Number.NaN);
  state.report(7);
  expect((await updates.next()).value).toEqual({ status: 'running', progress: 1 });
  const last = updates.next();
  state.end('done');
  expect((await last).value).toBe('done');
  expect(await updates.next()).toEqual({ done: true, value: undefined });
  expect(state.signal?.aborted).toBe(false);
});

it('liveUpdates() cancels the work when its reader leaves, and when the signal fires', async () => {
  const left = work();
  for await (const _update of liveUpdates((signal, onProgress) => {
    const ending = left.run(signal, onProgress);
    left.state.report(0.5);
    return ending;
  }, undefined)) {
    break;
  }
  expect(left.state.signal?.aborted).toBe(true);

  const abort = new AbortController();
  const aborted = work();
  const next = liveUpdates(aborted.run, abort.signal).next();
  abort.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
});
