import { EventEmitter } from 'eventemitter3';
import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../../src/core/events.js';
import { checkHistory, parseHistory } from '../../src/core/history.js';
import type { HistoryLimits } from '../../src/core/history-event.js';
import { createFlightRecorder, type FlightRecorder } from '../../src/inspect/flight-recorder.js';
import { planOf } from '../simulation/plan.js';
import { runPlan } from '../simulation/run-plan.js';
import { orchestratorStats } from '../support/fake-orchestrator.js';
import { drained, manualService, simulated } from '../support/simulation.js';

/** A recorder that is told by the test. */
function recorderOf(
  keepEvents: number,
  maxParallel = 5,
): { recorder: FlightRecorder; tell(event: object): void } {
  const emitter = new EventEmitter<{ event: [RuntimeEvent] }>();
  const recorder = createFlightRecorder(
    {
      on: (name, listener) => emitter.on(name, listener),
      off: (name, listener) => emitter.off(name, listener),
      stats: () => orchestratorStats({ maxParallel }),
      listServices: () => [],
      config: { taskConfig: { maxRetries: 2, retryOnFailure: true, retryBudgetRatio: 0.2 } },
    },
    { keepEvents },
  );
  return { recorder, tell: (event) => void emitter.emit('event', event as RuntimeEvent) };
}

function judge(text: string, over: HistoryLimits = {}) {
  const { events, limits, cut } = parseHistory(text);
  return checkHistory(events, { ...limits, ...over }, cut);
}

describe('createFlightRecorder()', () => {
  it('fault K2 keeps the latest facts, says how many it dropped, and is judged', async () => {
    const { orchestrator, environment } = simulated({ services: { echo: (task: string) => task } });
    const { now } = environment.clock;
    const recorder = createFlightRecorder(orchestrator, {
      keepEvents: 10,
      now: () => now.call(environment.clock),
    });
    await orchestrator.executeParallel(Array.from({ length: 100 }, (_, index) => `task ${index}`));
    expect(recorder).toMatchObject({ kept: 10, dropped: 390 });
    const text = recorder.toNdjson('a test');
    const { cut, events } = parseHistory(text);
    expect(cut).toMatchObject({ dropped: 390, unknown: 0, reason: 'a test', writtenAtMs: 0 });
    expect(events).toHaveLength(10);
    expect(judge(text)).toMatchObject({ events: 10, dropped: 390, violations: [], unsettled: 0 });
    expect(text).not.toMatch(/task \d/);
    recorder.stop();
    await orchestrator.execute('one more');
    expect(recorder.toNdjson('a test')).toContain('"dropped":390');
  });

  it('finds nothing in whatever a sound run left, wherever its beginning was cut off', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const { events } = await runPlan(planOf(seed));
      const maxParallel = planOf(seed).setup.config.maxParallel ?? 5;
      const finite = Number.isFinite(maxParallel) ? maxParallel : 1e9;
      for (const keepEvents of [1, 2, 3, 5, 17, 60, 200]) {
        const { recorder, tell } = recorderOf(keepEvents, finite);
        let count = 0;
        for (const event of events) {
          tell(event);
          count += 1;
          if (count % 97 !== 0 && count !== events.length) continue;
          // Simulated sleeps are longer than any deadline.
          const { violations } = judge(recorder.toNdjson(), { graceMs: 1e9 });
          expect({ seed, keepEvents, count, violations }).toEqual({
            seed,
            keepEvents,
            count,
            violations: [],
          });
        }
      }
    }
  }, 60_000);

  it('of a run that is under way it judges what it knows, and nothing else', async () => {
    const slow = manualService();
    const { orchestrator } = simulated({ services: { slow }, config: { taskConfig: { maxParallel: 1 } } });
    const early = orchestrator.executeParallel(['early one', 'early two']);
    await drained();
    const recorder = createFlightRecorder(orchestrator, { keepEvents: 100 });
    const late = orchestrator.execute('late');
    for (let index = 0; index < 3; index += 1) {
      await drained();
      slow.calls[index]?.resolve();
    }
    await Promise.all([early, late]);
    const text = recorder.toNdjson();
    expect(parseHistory(text).cut).toMatchObject({ unknown: 2 });
    expect(judge(text)).toMatchObject({ tasks: 1, unsettled: 0, violations: [] });
  });

  it('is true at any moment, also when it is asked by a listener, from within a service, or while closing', async () => {
    const texts: string[] = [];
    let recorder: FlightRecorder | undefined;
    const ask = (): void => void texts.push(recorder?.toNdjson() ?? '');
    const flaky = (_: string, { attempt }: { attempt: number }): string => {
      ask();
      if (attempt === 1) throw Object.assign(new Error('busy'), { code: 'BUSY', retryable: true });
      return 'done';
    };
    const { orchestrator, advance } = simulated({
      services: { flaky },
      config: { taskConfig: { maxParallel: 2 } },
    });
    orchestrator.on('event', ask);
    recorder = createFlightRecorder(orchestrator, { keepEvents: 4 });
    orchestrator.on('event', ask);
    const all = orchestrator.executeParallel(['a', 'b', 'c', 'd'], { priority: 1 });
    for (let step = 0; step < 20; step += 1) await advance(1000);
    await all;
    const closing = orchestrator.close();
    ask();
    await closing;
    ask();
    expect(texts.length).toBeGreaterThan(50);
    expect(texts.flatMap((text) => judge(text).violations)).toEqual([]);
  });

  it('follows limits that change, and what was lowered binds what starts from then on', async () => {
    const slow = manualService();
    const { orchestrator } = simulated({ services: { slow }, config: { taskConfig: { maxParallel: 1 } } });
    const recorder = createFlightRecorder(orchestrator, { keepEvents: 3 });
    const all = orchestrator.executeParallel(['a', 'b', 'c', 'd', 'e']);
    await drained();
    orchestrator.setMaxParallel(4);
    await drained();
    expect(slow.calls).toHaveLength(4);
    expect(judge(recorder.toNdjson()).violations).toEqual([]);
    expect(parseHistory(recorder.toNdjson()).limits.maxParallel).toBe(4);
    orchestrator.setMaxParallel(2).setConcurrency('slow', 1);
    await drained();
    for (let index = 0; index < 5; index += 1) {
      slow.calls[index]?.resolve();
      await drained();
    }
    await all;
    expect(judge(recorder.toNdjson()).violations).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses to keep %s facts', (keepEvents) => {
    expect(() => recorderOf(keepEvents)).toThrow(/keepEvents must be a whole number/);
  });
});

const started = (taskId: string, instance: string, attempt = 1, atMs = 100) => ({
  type: 'started',
  atMs,
  taskId,
  service: 's',
  instance,
  attempt,
});
const queued = (taskId: string, atMs: number, over: object = {}) => [
  { type: 'submitted', atMs, taskId, priority: 0, maxRetries: 1, deadlineMs: 1000, ...over },
  { type: 'queued', atMs, taskId, service: 's' },
];
const settled = (taskId: string, attempts: number, atMs = 110) => ({
  type: 'settled',
  atMs,
  taskId,
  service: 's',
  status: 'completed',
  result: { attempts, errorCode: null },
});

describe('a history whose beginning was cut off', () => {
  it.each<[string, string, object[], object[]]>([
    [
      'more attempts than allowed',
      'I1',
      [
        ...queued('a', 0),
        ...queued('b', 0),
        ...queued('c', 0),
        started('a', 's#0', 1, 1),
        started('b', 's#1', 1, 1),
      ],
      [started('c', 's#2')],
    ],
    [
      'a task on an instance that was taken',
      'I2',
      [...queued('a', 0), ...queued('b', 0), started('a', 's#0', 1, 1)],
      [started('b', 's#0')],
    ],
    [
      'a task on an instance that an abandoned attempt holds',
      'I2',
      [
        ...queued('a', 0),
        ...queued('b', 0),
        started('a', 's#0', 1, 1),
        { ...started('a', 's#0', 1, 2), type: 'abandoned' },
        { ...settled('a', 1, 2), status: 'timed_out' },
      ],
      [started('b', 's#0')],
    ],
    ['two results', 'I4', [...queued('a', 0), started('a', 's#0', 1, 1)], [settled('a', 1), settled('a', 1)]],
    [
      'a task that overtook an earlier one',
      'I6',
      [...queued('a', 0), ...queued('b', 1)],
      [started('b', 's#0'), settled('b', 1)],
    ],
    [
      'a task that overtook one of higher priority',
      'I6',
      [...queued('a', 0), ...queued('b', 1, { priority: 9 })],
      [started('a', 's#0'), settled('a', 1)],
    ],
    [
      'a result after the deadline',
      'I9',
      [...queued('a', 0), started('a', 's#0', 1, 1)],
      [settled('a', 1, 5000)],
    ],
    [
      'an attempt too many',
      'I10',
      [
        ...queued('a', 0),
        started('a', 's#0', 1, 1),
        { type: 'backoff', atMs: 2, taskId: 'a', service: 's', attempt: 1, delayMs: 5, errorCode: 'BUSY' },
        started('a', 's#0', 2, 9),
        { type: 'backoff', atMs: 10, taskId: 'a', service: 's', attempt: 2, delayMs: 5, errorCode: 'BUSY' },
      ],
      [started('a', 's#0', 3)],
    ],
    ['a result of a task that was never submitted', 'I3', [...queued('a', 0)], [settled('x', 1)]],
  ])('still shows %s (%s)', (_, invariant, before, after) => {
    const { recorder, tell } = recorderOf(after.length, 2);
    for (const event of [...before, ...after]) tell(event);
    expect(recorder.dropped).toBe(before.length);
    const found = judge(recorder.toNdjson()).violations.map((violation) => violation.invariant);
    expect(found).toContain(invariant);
  });

  it('takes the refusal of a second task under the same id for what it is', () => {
    const { recorder, tell } = recorderOf(2, 2);
    const refused = {
      ...settled('a', 0),
      status: 'rejected',
      result: { attempts: 0, errorCode: 'DUPLICATE_ID' },
    };
    const events = [
      ...queued('a', 0),
      started('a', 's#0', 1, 1),
      ...queued('a', 2).slice(0, 1),
      refused,
      settled('a', 1),
    ];
    for (const event of events) tell(event);
    expect(judge(recorder.toNdjson())).toMatchObject({ events: 2, violations: [], unsettled: 0 });
  });

  it('is no history when it says twice, or too late, how it begins', () => {
    const { recorder, tell } = recorderOf(2);
    for (const event of queued('a', 0)) tell(event);
    const [limits = '', cut = '', ...rest] = recorder.toNdjson().split('\n');
    expect(() => parseHistory([limits, cut, cut, ...rest].join('\n'))).toThrow(/Line 3 .*how it begins/);
    expect(() => parseHistory([limits, ...rest, cut].join('\n'))).toThrow(/how it begins/);
    expect(() => parseHistory(`${limits}\n{"type":"cut","dropped":-1}\n`)).toThrow(/Line 2/);
  });

  it('may end in the middle of a line, which is left out and told', () => {
    const { recorder, tell } = recorderOf(2);
    for (const event of queued('a', 0)) tell(event);
    const text = recorder.toNdjson();
    expect(parseHistory(text)).toMatchObject({ isTorn: false, events: { length: 2 } });
    for (let left = 1; left < 30; left += 1) {
      expect(parseHistory(text.slice(0, -1 - left))).toMatchObject({ isTorn: true, events: { length: 1 } });
    }
  });
});
