import { describe, expect, it } from 'vitest';
import { extendContext, type ServiceContext } from '../../src/index.js';
import { contextOf } from '../services/service-context.js';
import { simulated } from '../support/simulation.js';

describe('extendContext()', () => {
  it('keeps all that an attempt gave its service but what is changed', async () => {
    const said: unknown[] = [];
    const inner = ({
      kwargs,
      signal,
      attempt,
      taskId,
      deadline,
      idempotencyKey,
      progress,
      log,
    }: ServiceContext) => {
      progress(0.5, 'half');
      log.info({ page: 1 }, 'read');
      return [kwargs, signal.aborted, attempt, taskId, deadline, idempotencyKey];
    };
    const { orchestrator } = simulated({
      services: {
        only: (_task, context) =>
          inner(
            extendContext(context, {
              deadline: null,
              progress: (fraction, message) => context.progress(fraction, `inner ${message}`),
            }),
          ),
      },
      log: { debug() {}, info: (...line) => said.push(line), warn() {}, error() {} },
    });
    const { result } = await orchestrator.execute('work', {
      kwargs: { page: 1 },
      taskId: 'mine',
      idempotencyKey: 'key',
      deadlineSeconds: 9,
      onProgress: (...report) => said.push(report),
    });
    expect(result).toEqual([{ page: 1 }, false, 1, 'mine', null, 'key']);
    expect(said).toEqual([
      [0.5, 'inner half'],
      [{ page: 1, taskId: 'mine', service: 'only', attempt: 1 }, 'read'],
    ]);
  });

  it('takes a context that is frozen', () => {
    const extended = extendContext(Object.freeze(contextOf()), { kwargs: { page: 2 } });
    expect(extended.kwargs).toEqual({ page: 2 });
    expect({ ...extended }).toMatchObject({ kwargs: { page: 2 }, attempt: 1 });
    expect('signal' in extended).toBe(true);
  });

  it('asks for a field when its service does', () => {
    const asked: string[] = [];
    const fields = contextOf();
    const lazy = {
      ...fields,
      get kwargs() {
        asked.push('kwargs');
        return fields.kwargs;
      },
    };
    const twice = extendContext(extendContext(lazy, { attempt: 2 }), { taskId: 'other' });
    expect([twice.attempt, twice.taskId, twice.deadline]).toEqual([2, 'other', null]);
    expect(asked).toEqual([]);
    expect(twice.kwargs).toBe(fields.kwargs);
    expect(asked).toEqual(['kwargs']);
  });

  it('can be spread: it lists every field as its own', async () => {
    const { orchestrator } = simulated({
      services: { only: (_task, context) => ({ ...extendContext(context, { attempt: 3 }) }) },
    });
    const { result } = await orchestrator.execute('work', { kwargs: { page: 1 } });
    expect(result).toEqual({
      ...contextOf({ kwargs: { page: 1 }, attempt: 3, taskId: 't1' }),
      signal: expect.any(AbortSignal),
      progress: expect.any(Function),
      log: expect.any(Object),
    });
  });
});
