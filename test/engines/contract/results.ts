import { expect } from 'vitest';
import type { TaskResult } from '../../../src/index.js';
import { manualService } from '../../support/simulation.js';
import type { Suite } from './suite.js';

/** What callers are told, and when. */
export function results(suite: Suite): void {
  suite.test('a result has the same members everywhere', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { echo: (task) => task } });
    const result = await orchestrator.execute('hi', { service: 'echo', taskId: 'mine' });
    const { executionTime, queueTime, ...others } = result;
    expect(others).toEqual({
      taskId: 'mine',
      status: 'completed',
      serviceName: 'echo',
      success: true,
      result: 'hi',
      error: null,
      errorCode: null,
      errorDetails: null,
      attempts: 1,
      route: {
        service: 'echo',
        confidence: 1,
        usedFallback: false,
        outcome: 'explicit',
        why: 'named by the caller',
        ranked: [{ service: 'echo', confidence: 1, strategy: 'explicit' }],
      },
    });
    expect([executionTime, queueTime].every((seconds) => seconds >= 0 && seconds < 10)).toBe(true);
  });

  suite.test('answers a batch in input order, a stream in order of completion', async ({ open, fresh }) => {
    const service = manualService();
    const { orchestrator, until } = await open(fresh(), { services: { only: service } });
    const end = (task: string): void =>
      service
        .open()
        .find((call) => call.task === task)
        ?.resolve(task);
    const batch = orchestrator.executeParallel(['a', 'b']);
    await until(() => service.open().length === 2);
    end('b');
    end('a');
    expect((await batch).map(({ result }) => result)).toEqual(['a', 'b']);
    const streamed: unknown[] = [];
    const reading = (async () => {
      for await (const { result } of orchestrator.stream(['c', 'd'])) streamed.push(result);
    })();
    await until(() => service.open().length === 2);
    end('d');
    await until(() => streamed.length === 1);
    end('c');
    await reading;
    expect(streamed).toEqual(['d', 'c']);
  });

  suite.test('passes a megabyte, and no more than maxResultBytes', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), {
      services: { big: (task) => 'x'.repeat(Number(task)) },
      config: { maxResultBytes: 2_000_000 },
    });
    const [million, tooMuch] = await orchestrator.executeParallel(['1000000', '3000000']);
    expect(String(million?.result)).toHaveLength(1_000_000);
    expect(tooMuch).toMatchObject({ status: 'failed', errorCode: 'RESULT_TOO_LARGE' });
  });

  suite.test('is idle once every caller knows', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { echo: (task) => task } });
    let told: TaskResult | undefined;
    void orchestrator.execute('x').then((result) => {
      told = result;
    });
    await orchestrator.onIdle();
    await Promise.resolve();
    expect(told?.success).toBe(true);
  });

  suite.test('acknowledges an acceptance, and a refusal', async ({ open, fresh }) => {
    const { orchestrator } = await open(fresh(), { services: { echo: (task) => task } });
    const handle = orchestrator.submit('x');
    expect(await handle.accepted()).toBe(true);
    expect((await handle.result()).success).toBe(true);
    const refused = orchestrator.submit('x', { service: 'nobody' });
    await refused.result();
    expect(await refused.accepted()).toBe(false);
  });
}
