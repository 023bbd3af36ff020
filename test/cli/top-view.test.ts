import { expect, it } from 'vitest';
import { liveBlock } from '../../src/cli/top/live-block.js';
import { TopView } from '../../src/cli/top/top-view.js';
import type { Frame } from '../../src/inspect/dashboard/overview.js';
import { fakeTerminal } from '../support/fake-terminal.js';

function frameOf(count: number, over: Partial<Frame['services'][number]> = {}): Frame {
  const stats = { running: 2, queued: 7, retrying: 1, maxParallel: null } as unknown as Frame['stats'];
  const service = {
    state: 'busy',
    instances: { idle: 1, busy: 2, retrying: 1, failed: 0 },
    concurrency: null,
    queued: 7,
    completed: 30,
    failed: 3,
    lastError: null,
    retryAt: null,
    states: [],
    fired: {},
    ...over,
  } as const;
  const services = Array.from({ length: count }, (_, index) => ({ name: `service-${index}`, ...service }));
  const sample = { ended: 12, queued: 7, running: 2, p50Ms: 40, p95Ms: 2500, successRate: 0.987 };
  return {
    type: 'frame',
    nowMs: 0,
    stats,
    supervisor: { state: 'running.paused', fired: {} },
    services,
    tasks: [],
    skipped: 0,
    samples: { '': sample, 'service-0': sample },
  };
}

it('sums up all services in one line', () => {
  const view = new TopView();
  expect(view.summary).toBe('waiting for the dashboard');
  view.take(frameOf(1));

  expect(view.summary).toBe(
    'paused · running 2/∞ · waiting 7 · retrying 1 · 12 tasks/s · success 98.7 % · p50 40 ms · p95 2.50 s',
  );
});

it('shows a line a service, cut to the width, and how many more there are', () => {
  const view = new TopView();
  view.take(frameOf(30));
  const lines = view.lines(70);

  expect(lines.filter((line) => line.length > 70)).toEqual([]);
  expect(lines.filter((line) => line.startsWith('service-'))).toHaveLength(18);
  expect(lines).toContain('and 12 more services');
});

it('says why a service is down, without its control characters', () => {
  const view = new TopView();
  view.take(frameOf(1, { state: 'failed', lastError: 'refused\u001b[2J\nagain' }));

  expect(view.lines(100).at(-1)).toBe('service-0: refused[2J again');
});

it('liveBlock() writes over what it wrote', () => {
  const terminal = fakeTerminal({ isLive: true });
  const block = liveBlock(terminal);
  block.draw(['one', 'two', 'three']);
  block.draw(['four']);

  expect(terminal.lines).toEqual(['\r\u001b[Jone\ntwo\nthree', '\u001b[2A\r\u001b[Jfour']);
});
