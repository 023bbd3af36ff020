import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { ExecutionConfig, type Orchestrator } from '../../src/index.js';
import { drained } from '../support/simulation.js';

/** A configuration without a fallback service. */
export const config = (fields: Parameters<typeof ExecutionConfig.create>[0] = {}): ExecutionConfig =>
  ExecutionConfig.create({ fallbackService: null, ...fields });

/** A log whose calls can be counted. */
export const recordingLog = () => ({ debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() });

/** Fails each test of the file that leaves a rejection or an exception nobody handled. */
export function expectNothingUnhandled(): void {
  const unhandled: unknown[] = [];
  const note = (cause: unknown): void => {
    unhandled.push(cause);
  };
  beforeAll(() => {
    process.on('unhandledRejection', note).on('uncaughtException', note);
  });
  afterAll(() => {
    process.off('unhandledRejection', note).off('uncaughtException', note);
  });
  afterEach(async () => {
    await drained();
    await drained();
    expect(unhandled.splice(0)).toEqual([]);
  });
}

/** I3: every submitted task is in exactly one place. */
export function expectBooksToBalance(orchestrator: Orchestrator): void {
  const stats = orchestrator.stats();
  const settled = stats.completed + stats.failed + stats.timedOut + stats.cancelled + stats.rejected;
  expect(settled + stats.queued + stats.running + stats.retrying).toBe(stats.submitted);
}

/** Nothing runs, waits or is held, and a service is idle with every instance free. */
export async function expectAtRest(orchestrator: Orchestrator, service = 'only'): Promise<void> {
  await drained();
  expect(orchestrator.stats()).toMatchObject({ running: 0, queued: 0, retrying: 0, abandoned: 0 });
  const status = orchestrator.listServices().find(({ name }) => name === service);
  expect(status).toMatchObject({ state: 'idle', queued: 0, instances: { busy: 0, retrying: 0, failed: 0 } });
  expectBooksToBalance(orchestrator);
  expect(orchestrator.actor.getSnapshot().status).toBe('active');
}
