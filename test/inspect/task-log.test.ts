import { expect, it } from 'vitest';
import type { Log } from '../../src/core/environment.js';
import { logTasks } from '../../src/inspect/task-log.js';
import { drained, manualService, simulated } from '../support/simulation.js';

it('logTasks() tells retries, failures and circuits with fixed fields, and no text of a task', async () => {
  const said: [string, object, string][] = [];
  const at = (level: string) => (facts: object, message: string) => void said.push([level, facts, message]);
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const work = manualService();
  const { orchestrator, advance } = simulated({ services: { work } });
  const stop = logTasks(orchestrator, log);
  const result = orchestrator.execute('SECRET', { maxRetries: 1 });
  await drained();
  work.calls[0]?.reject({ message: 'SECRET', retryable: true });
  await advance(30_000);
  await advance(250);
  work.calls[1]?.reject(new Error('SECRET'));
  await result;
  expect(said.map(([level, , message]) => [level, message])).toEqual([
    ['debug', 'attempt started'],
    ['info', 'attempt failed; another follows'],
    ['debug', 'attempt started'],
    ['warn', 'task ended'],
  ]);
  expect(said[1]?.[1]).toEqual({
    taskId: 't1',
    service: 'work',
    attempt: 1,
    errorCode: 'SERVICE_FAILED',
    delayMs: expect.any(Number),
  });
  expect(said[3]?.[1]).toEqual({
    taskId: 't1',
    service: 'work',
    attempt: 2,
    durationMs: expect.any(Number),
    queueMs: 0,
    status: 'failed',
    errorCode: 'SERVICE_FAILED',
  });
  expect(JSON.stringify(said)).not.toContain('SECRET');
  stop();
  const other = orchestrator.execute('b');
  await drained();
  work.calls[2]?.resolve();
  await other;
  expect(said).toHaveLength(4);
});
