import { describe, expect, it } from 'vitest';
import type { TaskEvent } from '../../src/core/events.js';
import type { TaskResult } from '../../src/core/result.js';
import { TaskTrail } from '../../src/inspect/dashboard/task-trail.js';

function resultOf(over: Partial<TaskResult> = {}): TaskResult {
  return {
    taskId: 't',
    status: 'completed',
    serviceName: 's',
    success: true,
    result: 'done',
    error: null,
    errorCode: null,
    errorDetails: null,
    executionTime: 0.03,
    queueTime: 0.01,
    attempts: 1,
    route: null,
    ...over,
  };
}

function submit(trail: TaskTrail, taskId: string, text = 'a task'): void {
  trail.accepted({ taskId, task: text, service: null });
  trail.take({ type: 'submitted', atMs: 0, taskId, priority: 0, maxRetries: 2, deadlineMs: null });
}

function settle(trail: TaskTrail, taskId: string, over: Partial<TaskResult> = {}): void {
  const result = resultOf({ taskId, ...over });
  const { status } = result;
  trail.take({ type: 'settled', atMs: 50, taskId, service: 's', status, result });
}

describe('TaskTrail', () => {
  it('tells waiting, attempts and backoff apart, and how each attempt ended', () => {
    const trail = new TaskTrail();
    submit(trail, 't');
    const attempt = { taskId: 't', service: 's', instance: 's#0' };
    const events: TaskEvent[] = [
      { type: 'queued', atMs: 1, taskId: 't', service: 's' },
      { type: 'started', atMs: 10, attempt: 1, ...attempt },
      {
        type: 'backoff',
        atMs: 20,
        taskId: 't',
        service: 's',
        attempt: 1,
        delayMs: 20,
        errorCode: 'SERVICE_FAILED',
      },
      { type: 'started', atMs: 40, attempt: 2, ...attempt },
    ];
    for (const event of events) trail.take(event);
    settle(trail, 't', { attempts: 2 });

    const task = trail.find('t');
    expect(task?.state).toBe('completed');
    expect(task?.spans.map(({ kind, startMs, endMs, outcome }) => [kind, startMs, endMs, outcome])).toEqual([
      ['queued', 0, 1, null],
      ['queued', 1, 10, null],
      ['attempt', 10, 20, 'failed'],
      ['backoff', 20, 40, null],
      ['attempt', 40, 50, 'completed'],
    ]);
    expect(task?.end).toMatchObject({ attempts: 2, preview: 'done' });
  });

  it('tells why each attempt failed, with the code of that attempt', () => {
    const trail = new TaskTrail();
    submit(trail, 't');
    const about = { taskId: 't', service: 's' };
    const started = { type: 'started', instance: 's#0', ...about } as const;
    const events: TaskEvent[] = [
      { ...started, atMs: 10, attempt: 1 },
      { type: 'backoff', atMs: 20, attempt: 1, delayMs: 5, errorCode: 'SERVICE_FAILED', ...about },
      { ...started, atMs: 25, attempt: 2 },
      { type: 'abandoned', atMs: 30, instance: 's#0', attempt: 2, ...about },
      { type: 'backoff', atMs: 30, attempt: 2, delayMs: 5, errorCode: 'TIMEOUT', ...about },
      { ...started, atMs: 35, attempt: 3 },
    ];
    for (const event of events) trail.take(event);
    settle(trail, 't', { status: 'failed', success: false, errorCode: 'SERVICE_FAILED', attempts: 3 });

    const attempts = trail.find('t')?.spans.filter(({ kind }) => kind === 'attempt');
    expect(attempts?.map(({ attempt, outcome, errorCode }) => [attempt, outcome, errorCode])).toEqual([
      [1, 'failed', 'SERVICE_FAILED'],
      [2, 'abandoned', 'TIMEOUT'],
      [3, 'failed', 'SERVICE_FAILED'],
    ]);
    expect(trail.find('t')?.spans.filter(({ kind, errorCode }) => kind !== 'attempt' && errorCode)).toEqual(
      [],
    );
  });

  it('blames no attempt for a task that ends while it waits', () => {
    const trail = new TaskTrail();
    submit(trail, 't');
    const about = { taskId: 't', service: 's' };
    trail.take({ type: 'started', atMs: 10, instance: 's#0', attempt: 1, ...about });
    trail.take({ type: 'moved', atMs: 20, ...about });
    trail.take({ type: 'queued', atMs: 20, taskId: 't', service: 'other' });
    settle(trail, 't', { status: 'timed_out', success: false, errorCode: 'QUEUE_TIMEOUT' });

    expect(trail.find('t')?.spans.map(({ kind, errorCode }) => [kind, errorCode])).toEqual([
      ['queued', null],
      ['attempt', null],
      ['queued', null],
    ]);
  });

  it('keeps at most its capacity, and open tasks longer than settled ones', () => {
    const trail = new TaskTrail({ capacity: 3 });
    for (const id of ['open', 'done', 'later']) submit(trail, id);
    settle(trail, 'done');
    submit(trail, 'fourth');

    expect([...trail.tasks].map(({ taskId }) => taskId)).toEqual(['open', 'later', 'fourth']);
    submit(trail, 'fifth');
    expect([...trail.tasks]).toHaveLength(3);
  });

  it('follows so many tasks a frame, counts the rest, and follows again in the next one', () => {
    const trail = new TaskTrail({ followedPerFrame: 2 });
    for (const id of ['a', 'b', 'c']) submit(trail, id);

    expect(trail.takeChanged().map(({ taskId }) => taskId)).toEqual(['a', 'b']);
    expect(trail.skipped).toBe(1);
    submit(trail, 'd');
    expect(trail.takeChanged().map(({ taskId }) => taskId)).toEqual(['d']);
  });

  it('keeps a failure of a task that it did not follow', () => {
    const trail = new TaskTrail({ followedPerFrame: 1 });
    submit(trail, 'a');
    submit(trail, 'b');
    submit(trail, 'c');
    settle(trail, 'b', { status: 'failed', success: false, error: 'no luck', errorCode: 'SERVICE_FAILED' });
    settle(trail, 'c');

    expect(trail.find('b')).toMatchObject({ state: 'failed', end: { error: 'no luck' } });
    expect(trail.find('c')).toBeUndefined();
    expect(trail.skipped).toBe(1);
  });

  it('does not mistake the refusal of a second task of the same id for the end of the first', () => {
    const trail = new TaskTrail();
    submit(trail, 't', 'the first');
    submit(trail, 't', 'the second');
    settle(trail, 't', { status: 'rejected', success: false });

    expect(trail.find('t')).toMatchObject({ text: 'the first', state: 'waiting', end: null });
    settle(trail, 't');
    expect(trail.find('t')?.state).toBe('completed');
  });

  it('keeps a bounded number of steps and letters, and no secret', () => {
    const trail = new TaskTrail({ clean: (text) => text.replaceAll('hunter2', '[redacted]') });
    submit(trail, 't', `hunter2 ${'x'.repeat(10_000)}`);
    for (let attempt = 1; attempt <= 200; attempt += 1) {
      trail.take({ type: 'started', atMs: attempt, taskId: 't', service: 's', instance: 's#0', attempt });
    }
    settle(trail, 't', { result: { secret: 'hunter2', list: Array.from({ length: 1e5 }, () => 'y') } });

    const task = trail.find('t');
    expect(task?.text.length).toBeLessThan(2100);
    expect(task?.spans.length).toBeLessThanOrEqual(64);
    expect(task?.droppedSpans).toBeGreaterThan(100);
    expect(task?.end?.preview?.length).toBeLessThan(2100);
    expect(JSON.stringify(task)).not.toContain('hunter2');
  });

  it('runs no code of a result for its preview', () => {
    const trail = new TaskTrail();
    let reads = 0;
    const result = {
      get trap() {
        reads += 1;
        throw new Error('never read me');
      },
      [Symbol.for('nodejs.util.inspect.custom')]: () => {
        reads += 1;
        return 'owned';
      },
    };
    submit(trail, 't');
    settle(trail, 't', { result });

    expect(reads).toBe(0);
    expect(trail.find('t')?.end?.preview).toContain('trap');
  });
});
