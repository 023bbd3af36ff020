import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../../src/core/events.js';
import { checkHistory, parseHistory } from '../../src/core/history.js';
import type { HistoryEvent, HistoryLimits } from '../../src/core/history-event.js';
import { taskResult } from '../support/fake-orchestrator.js';

/** A history in short: `submit a`, `queue a s`, `start a s#0`, `backoff a s`, `abandon a s#0`, `end a s#0`, `settle a completed`. */
function history(...lines: readonly string[]): HistoryEvent[] {
  const attempts = new Map<string, number>();
  return lines.map((line, index) => {
    const [what = '', taskId = '', where = '', extra = '0'] = line.split(' ');
    const atMs = index * 10;
    const attempt = attempts.get(taskId) ?? 0;
    const service = where.split('#')[0] ?? '';
    switch (what) {
      case 'submit':
        attempts.set(taskId, 0);
        return { type: 'submitted', atMs, taskId, priority: Number(where || 0) };
      case 'queue':
        return { type: 'queued', atMs, taskId, service };
      case 'move':
        return { type: 'moved', atMs, taskId, service };
      case 'prioritise':
        return { type: 'reprioritised', atMs, taskId, priority: Number(where) };
      case 'start':
        attempts.set(taskId, attempt + 1);
        return { type: 'started', atMs, taskId, service, instance: where, attempt: attempt + 1 };
      case 'abandon':
        return { type: 'abandoned', atMs, taskId, service, instance: where, attempt };
      case 'end':
        return { type: 'ended', atMs, taskId, service, instance: where, attempt: Number(extra) || attempt };
      case 'backoff':
        return { type: 'backoff', atMs, taskId, service, attempt, delayMs: 5 };
      default:
        return {
          type: 'settled',
          atMs,
          taskId,
          status: where,
          result: { attempts: attempt, errorCode: null },
        };
    }
  });
}

const broken = (events: readonly HistoryEvent[], limits: HistoryLimits = {}) =>
  checkHistory(events, limits).violations.map(({ invariant, taskId }) => `${invariant} ${taskId}`);

const sound = [
  'submit a',
  'submit b',
  'queue a s',
  'queue b s',
  'start a s#0',
  'start b s#1',
  'backoff b s',
  'settle a completed',
  'start b s#1',
  'abandon b s#1',
  'backoff b s',
  'queue b s',
  'start b s#0',
  'settle b completed',
  'end b s#1 2',
];

describe('checkHistory()', () => {
  it('finds nothing in a sound history and counts what it read', () => {
    const limits = { maxParallel: 2, concurrency: { s: 2 }, maxRetries: 2, retryBudgetRatio: 0.2 };
    expect(checkHistory(history(...sound), { ...limits, isComplete: true })).toEqual({
      events: sound.length,
      tasks: 2,
      unsettled: 0,
      dropped: 0,
      violations: [],
    });
  });

  it.each<[string, string[], HistoryLimits, string[]]>([
    ['I1 more attempts than maxParallel', sound.slice(0, 6), { maxParallel: 1 }, ['I1 b']],
    ['I2 more instances than concurrency', sound.slice(0, 6), { concurrency: { s: 1 } }, ['I2 b']],
    [
      'I2 an instance held by an abandoned attempt that starts another task',
      ['submit a', 'submit b', 'queue a s', 'queue b s', 'start a s#0', 'abandon a s#0', 'start b s#0'],
      {},
      ['I2 b'],
    ],
    ['I3 an event of a task that was never submitted', ['queue a s'], {}, ['I3 a']],
    ['I3 a start of a task that waits nowhere', ['submit a', 'start a s#0'], {}, ['I3 a', 'I3 a']],
    ['I3 the end of an attempt that holds nothing', ['submit a', 'end a s#0'], {}, ['I3 a']],
    ['I4 a second result', ['submit a', 'settle a rejected', 'settle a rejected'], {}, ['I4 a']],
    ['I4 no result although the run is complete', ['submit a'], { isComplete: true }, ['I4 a']],
    ['I5 an event after the result', ['submit a', 'settle a rejected', 'queue a s'], {}, ['I5 a']],
    [
      'I5 a late answer taken for a result',
      ['submit a', 'queue a s', 'start a s#0', 'abandon a s#0', 'settle a completed'],
      {},
      ['I5 a'],
    ],
    [
      'I6 last in, first out',
      ['submit a', 'submit b', 'queue a s', 'queue b s', 'start b s#0', 'start a s#1'],
      {},
      ['I6 b'],
    ],
    [
      'I6 a lower priority before a higher one',
      ['submit a 1', 'submit b 2', 'queue a s', 'queue b s', 'start a s#0'],
      {},
      ['I6 a'],
    ],
    [
      'I6 an order that a changed priority forbids',
      ['submit a', 'submit b', 'queue a s', 'queue b s', 'prioritise b 1', 'start a s#0'],
      {},
      ['I6 a'],
    ],
    [
      'I9 a deadline overrun',
      ['submit a', 'queue a s', 'settle a timed_out'],
      { deadlineSeconds: 0.01, graceMs: 5 },
      ['I9 a'],
    ],
    [
      'I10 an attempt too many',
      ['submit a', 'queue a s', 'start a s#0', 'backoff a s', 'start a s#0'],
      { tasks: { a: { maxRetries: 0 } } },
      ['I10 a'],
    ],
    [
      'I10 more retries than the budget',
      ['a', 'b', 'c', 'd'].flatMap((id, at) => [
        `submit ${id}`,
        `queue ${id} s`,
        `start ${id} s#${at}`,
        `backoff ${id} s`,
      ]),
      { retryBudgetRatio: 0.2 },
      ['I10 d'],
    ],
  ])('tells %s', (_, lines, limits, expected) => {
    expect(broken(history(...lines), limits)).toEqual(expected);
  });

  it('lets an id be used again once its task has settled, and a duplicate be refused at once', () => {
    const again = history(
      'submit a',
      'settle a cancelled',
      'submit a',
      'submit a',
      'settle a rejected',
      'queue a s',
    );
    expect(broken(again)).toEqual([]);
    expect(checkHistory(again)).toMatchObject({ tasks: 3, unsettled: 1 });
  });

  it('lets a task that lost its assignment be overtaken in that moment', () => {
    const events = history(
      'submit a',
      'submit b',
      'queue a s',
      'queue b s',
      'start b s#1',
      'settle a cancelled',
    );
    expect(broken(events.map((event) => ({ ...event, atMs: 0 })))).toEqual([]);
  });

  it('lets what was assigned start after the limit was lowered twice in that moment, and not later', () => {
    const resize = (limit: number): HistoryEvent => ({ type: 'resized', atMs: 0, service: null, limit });
    const [submitA, submitB, queueA, queueB, startA, startB] = history(...sound.slice(0, 6)).map((event) => ({
      ...event,
      atMs: 0,
    })) as [HistoryEvent, HistoryEvent, HistoryEvent, HistoryEvent, HistoryEvent, HistoryEvent];
    const before = [submitA, submitB, queueA, queueB, startA, resize(2), resize(1)];
    expect(broken([...before, startB], { maxParallel: 3 })).toEqual([]);
    expect(broken([...before, { ...startB, atMs: 1000 }], { maxParallel: 3 })).toEqual(['I1 b']);
  });

  it('counts on from the attempts of other processes', () => {
    const events: HistoryEvent[] = [
      { type: 'submitted', atMs: 0, taskId: 'a', priority: 0, maxRetries: 1, attempts: 1 },
      { type: 'queued', atMs: 1, taskId: 'a', service: 's' },
      { type: 'started', atMs: 2, taskId: 'a', service: 's', instance: 's#0', attempt: 2 },
      {
        type: 'settled',
        atMs: 3,
        taskId: 'a',
        status: 'completed',
        result: { attempts: 2, errorCode: null },
      },
    ];
    expect(broken(events)).toEqual([]);
    const [submitted, ...others] = events;
    expect(broken([{ ...submitted, attempts: 0 } as HistoryEvent, ...others])).toEqual(['I10 a']);
  });

  it('takes the word of another process that a task was handed to, once', () => {
    const events: HistoryEvent[] = [
      { type: 'submitted', atMs: 0, taskId: 'a', priority: 0 },
      { type: 'handed_over', atMs: 1, taskId: 'a', service: 's' },
      {
        type: 'settled',
        atMs: 9,
        taskId: 'a',
        status: 'completed',
        result: { attempts: 3, errorCode: null },
      },
    ];
    expect(checkHistory(events, { isComplete: true })).toMatchObject({ unsettled: 0, violations: [] });
    expect(broken([...events, ...events.slice(2)])).toEqual(['I4 a']);
  });

  it('takes the events of the runtime as they are', () => {
    const events: RuntimeEvent[] = [{ type: 'circuit', atMs: 0, service: 's', state: 'open' }];
    expect(checkHistory(events)).toMatchObject({ events: 1, violations: [] });
  });
});

/** One event of each type; the compiler asks for those that are missing. */
const EACH_TYPE: { readonly [Type in RuntimeEvent['type']]: RuntimeEvent & { readonly type: Type } } = {
  submitted: { type: 'submitted', atMs: 1, taskId: 'a', priority: 0, maxRetries: 2, deadlineMs: null },
  handed_over: { type: 'handed_over', atMs: 2, taskId: 'a', service: 's' },
  queued: { type: 'queued', atMs: 3, taskId: 'a', service: 's' },
  moved: { type: 'moved', atMs: 4, taskId: 'a', service: 's' },
  reprioritised: { type: 'reprioritised', atMs: 5, taskId: 'a', priority: 1 },
  started: { type: 'started', atMs: 6, taskId: 'a', service: 's', instance: 's#0', attempt: 1 },
  abandoned: { type: 'abandoned', atMs: 7, taskId: 'a', service: 's', instance: 's#0', attempt: 1 },
  ended: { type: 'ended', atMs: 8, taskId: 'a', service: 's', instance: 's#0', attempt: 1 },
  backoff: {
    type: 'backoff',
    atMs: 9,
    taskId: 'a',
    service: 's',
    attempt: 1,
    delayMs: 5,
    errorCode: 'TIMEOUT',
  },
  settled: {
    type: 'settled',
    atMs: 10,
    taskId: 'a',
    service: 's',
    status: 'completed',
    result: taskResult({ taskId: 'a' }),
  },
  circuit: { type: 'circuit', atMs: 11, service: 's', state: 'open' },
  rate_limit: { type: 'rate_limit', atMs: 12, isLimited: true },
  resized: { type: 'resized', atMs: 13, service: null, limit: 4 },
  restaffed: { type: 'restaffed', atMs: 14, service: 's' },
};

describe('parseHistory()', () => {
  it.each(Object.values(EACH_TYPE))('reads an event of type $type as it was written', (event) => {
    const { events } = parseHistory(`${JSON.stringify(event)}\n`);
    expect(events).toHaveLength(1);
    expect(event).toMatchObject(events[0] as HistoryEvent);
  });

  it('reads a task that another process ran as one that breaks no rule', () => {
    const { submitted, handed_over, settled } = EACH_TYPE;
    const done = { ...settled, result: { ...settled.result, attempts: 2 } };
    const text = [submitted, handed_over, done].map((event) => JSON.stringify(event)).join('\n');
    const { events } = parseHistory(text);
    expect(checkHistory(events, { isComplete: true })).toMatchObject({ events: 3, violations: [] });
  });

  it('reads limits from the first line, and events; skips empty lines and unknown types', () => {
    const text = [
      '{"type":"limits","maxParallel":2,"maxRetries":1}',
      '',
      '{"type":"submitted","atMs":1,"taskId":"a","priority":0,"more":true}',
      '{"type":"of tomorrow","atMs":2}',
    ].join('\n');
    expect(parseHistory(text)).toEqual({
      limits: { maxParallel: 2, maxRetries: 1 },
      events: [{ type: 'submitted', atMs: 1, taskId: 'a', priority: 0 }],
      cut: null,
      isTorn: false,
    });
  });

  it.each([
    ['no JSON', '{"type":"submitted"', /Line 2 .*no JSON/],
    ['no object', '[1]', /Line 2/],
    ['a missing field', '{"type":"queued","atMs":1,"taskId":"a"}', /Line 2[\s\S]*service/],
    ['an unknown limit', '{"type":"limits","maxParralel":1}', /Line 2[\s\S]*maxParralel/],
  ])('names the line that holds %s', (_, line, message) => {
    const text = `{"type":"circuit","atMs":0,"service":"s","state":"open"}\n${line}\n`;
    expect(() => parseHistory(text)).toThrow(message);
    expect(() => parseHistory(text)).toThrow(TypeError);
  });
});
