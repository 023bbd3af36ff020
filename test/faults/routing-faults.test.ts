import { describe, expect, it } from 'vitest';
import { CompositeStrategy } from '../../src/index.js';
import { drained, manualService, simulated } from '../support/simulation.js';
import { config, expectAtRest, expectNothingUnhandled, recordingLog } from './support.js';

expectNothingUnhandled();

const services = { a: (task: string) => `a ${task}`, b: (task: string) => `b ${task}` };

it('fault R6 a keyword that looks like a catastrophic pattern is plain words, and costs no time', async () => {
  const { orchestrator } = simulated({
    services: { a: { service: services.a, keywords: ['^(a+)+$', 'paint'] }, b: services.b },
    config: config({ fallbackService: 'b' }),
  });
  const hostile = await orchestrator.explain(`${'a'.repeat(50_000)}!`);
  expect(hostile.service).toBe('b');
  expect((await orchestrator.explain('paint it')).service).toBe('a');
});

describe('strategies that fail, seen from the task', () => {
  const failing: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('odd strategy');
      },
    ],
    ['rejects', () => Promise.reject(new Error('odd strategy'))],
    ['answers with no array', () => 'odd strategy'],
    ['answers with nothing', () => undefined],
  ];

  it.each(failing)('fault R1 a strategy that %s sends the task to the fallback', async (_, strategy) => {
    const log = recordingLog();
    const { orchestrator } = simulated({
      services,
      strategy: strategy as never,
      config: config({ fallbackService: 'b' }),
      log,
    });
    const results = await orchestrator.executeParallel(['x', 'y']);
    expect(results).toMatchObject([
      { result: 'b x', route: { usedFallback: true, outcome: 'fallback' } },
      { result: 'b y', route: { usedFallback: true } },
    ]);
    expect(log.warn).toHaveBeenCalledTimes(1);
    await expectAtRest(orchestrator, 'b');
  });

  it.each(failing)('fault R1 a strategy that %s and no fallback is NO_ROUTE', async (_, strategy) => {
    const { orchestrator } = simulated({
      services,
      strategy: strategy as never,
      config: config(),
      log: recordingLog(),
    });
    const result = await orchestrator.execute('x');
    expect(result).toMatchObject({
      status: 'rejected',
      errorCode: 'NO_ROUTE',
      attempts: 0,
      serviceName: null,
      route: { service: null, outcome: 'no-route', ranked: [] },
    });
    expect(orchestrator.stats()).toMatchObject({ rejected: 1 });
    await expectAtRest(orchestrator, 'a');
  });

  it.each<[string, unknown]>([
    [
      'R3 NaN and other confidences that are none',
      [
        ['a', Number.NaN],
        ['a', Number.POSITIVE_INFINITY],
        ['a', '1'],
        ['a', -1],
        ['b', 0.6],
      ],
    ],
    [
      'R5 a million entries',
      Array.from({ length: 1_000_000 }, (_, i) => [i % 2 ? 'b' : 'a', i % 2 ? 0.6 : 0.1]),
    ],
    [
      'R7 equal confidences, in order of registration',
      [
        ['b', 0.6],
        ['a', 0.6],
        ['b', 0.6],
      ],
    ],
  ])('fault %s do not keep a task from its service', async (fault, ranked) => {
    const { orchestrator } = simulated({
      services,
      strategy: () => ranked as [],
      config: config(),
      log: recordingLog(),
    });
    const service = fault.startsWith('R7') ? 'a' : 'b';
    expect(await orchestrator.execute('x')).toMatchObject({
      result: `${service} x`,
      route: { confidence: 0.6 },
    });
    await expectAtRest(orchestrator, service);
  });

  it('fault R2 an unknown service among the candidates is dropped, the next one gets the task', async () => {
    const { orchestrator } = simulated({
      services,
      strategy: () => [
        ['nobody', 0.99],
        ['b', 0.8],
      ],
      log: recordingLog(),
    });
    expect(await orchestrator.execute('x')).toMatchObject({ result: 'b x', route: { confidence: 0.8 } });
  });

  it('fault R4 a strategy that never resolves holds a task for a second, and no other', async () => {
    const { orchestrator, advance } = simulated({
      services,
      strategy: (task) => (task === 'stuck' ? new Promise(() => {}) : [['a', 1]]),
      config: config({ fallbackService: 'b' }),
      log: recordingLog(),
    });
    const stuck = orchestrator.execute('stuck');
    expect((await orchestrator.execute('x')).result).toBe('a x');
    expect((await orchestrator.execute('y', { service: 'b' })).result).toBe('b y');
    await advance(999);
    expect(orchestrator.stats()).toMatchObject({ queued: 1 });
    await advance(1);
    expect(await stuck).toMatchObject({ result: 'b stuck', queueTime: 1, route: { usedFallback: true } });
  });

  it('fault R4 a strategy with a budget of its own is waited for that long, whatever the limit of others', async () => {
    const { orchestrator, advance } = simulated({
      services,
      strategy: { route: () => new Promise(() => {}), budgetSeconds: () => 3 },
      config: config({ fallbackService: 'b', routingTimeoutSeconds: 0.25 }),
      log: recordingLog(),
    });
    const result = orchestrator.execute('x');
    await advance(3000);
    expect(orchestrator.stats()).toMatchObject({ queued: 1 });
    await advance(50);
    expect(await result).toMatchObject({ result: 'b x', route: { usedFallback: true } });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, '9', null, 1e9])(
    'fault R4 a budget of %s is not believed',
    async (budget) => {
      const { orchestrator, advance } = simulated({
        services,
        strategy: { route: () => new Promise(() => {}), budgetSeconds: () => budget as number },
        config: config({ fallbackService: 'b' }),
        log: recordingLog(),
      });
      const result = orchestrator.execute('x');
      await advance(1000);
      expect(await result).toMatchObject({ result: 'b x' });
    },
  );

  it('fault R4 close() ends what strategies inside a composite still owe', async () => {
    const { orchestrator, clock } = simulated({
      services,
      strategy: new CompositeStrategy([{ name: 'silent', route: () => new Promise(() => {}) }]),
      config: config({ fallbackService: 'b' }),
      log: recordingLog(),
    });
    const explained = orchestrator.explain('x');
    await drained();
    await orchestrator.close({ drainSeconds: 0 });
    expect(await explained).toMatchObject({ service: 'b', usedFallback: true });
    expect(clock).toMatchObject({ timeouts: new Map() });
  });

  it('fault R4 a service that goes while a strategy thinks gets no task', async () => {
    let answer: (ranked: [string, number][]) => void = () => {};
    const { orchestrator } = simulated({
      services,
      strategy: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const result = orchestrator.execute('x');
    await drained();
    orchestrator.registry.unregister('a');
    answer([
      ['a', 0.9],
      ['b', 0.8],
    ]);
    expect((await result).result).toBe('b x');
  });

  it('fault R9 a busy best service keeps its tasks waiting; neither the next candidate nor the fallback gets them', async () => {
    const best = manualService();
    const next = manualService();
    const fallback = manualService();
    const { orchestrator, advance } = simulated({
      services: { best: { service: best, concurrency: 1 }, next, fallback },
      strategy: () => [
        ['best', 0.9],
        ['next', 0.89],
      ],
      config: config({ fallbackService: 'fallback', maxParallel: 10 }),
    });
    const first = orchestrator.execute('a');
    await drained();
    // The service is busy when these are routed.
    const results = Promise.all([first, ...['b', 'c'].map((task) => orchestrator.execute(task))]);
    for (let count = 0; count < 3; count += 1) {
      await advance(60_000);
      expect(best.open()).toHaveLength(1);
      best.open()[0]?.resolve();
    }
    expect((await results).map(({ serviceName }) => serviceName)).toEqual(['best', 'best', 'best']);
    expect([next.calls, fallback.calls]).toEqual([[], []]);
  });

  describe('with balanceNearTies', () => {
    const setUp = (ranked: [string, number][], fields = {}) => {
      const crew = { a: manualService(), b: manualService(), c: manualService() };
      const world = simulated({
        services: crew,
        strategy: () => ranked,
        config: config({ balanceNearTies: true, maxParallel: 10, fallbackService: 'c', ...fields }),
      });
      return { ...world, crew };
    };

    it('the less busy of equals takes the task, in order of registration while they are equally busy', async () => {
      const { orchestrator, crew } = setUp([
        ['b', 0.9],
        ['a', 0.9],
        ['c', 0.6],
      ]);
      for (const task of ['1', '2', '3', '4']) void orchestrator.execute(task);
      await drained();
      expect(crew.a.calls.map(({ task }) => task)).toEqual(['1', '3']);
      expect(crew.b.calls.map(({ task }) => task)).toEqual(['2', '4']);
      expect(await orchestrator.explain('5')).toMatchObject({ service: 'a' });
      crew.b.calls[0]?.resolve();
      await drained();
      expect(await orchestrator.explain('5')).toMatchObject({
        service: 'b',
        why: 'chosen by strategy; less busy than a 0.90',
      });
      await orchestrator.close({ drainSeconds: 0 });
    });

    it('a slow or failing equal gets less than its share', async () => {
      const { orchestrator, crew, advance } = setUp([
        ['a', 0.9],
        ['b', 0.9],
      ]);
      for (let round = 0; round < 20; round += 1) {
        void orchestrator.execute(`${round}`);
        await drained();
        const [slow] = crew.a.open();
        await advance(slow ? 400 : 100);
        slow?.resolve();
        crew.b.open()[0]?.resolve();
        await drained();
      }
      expect(crew.b.calls.length).toBeGreaterThan(15);
      await orchestrator.close({ drainSeconds: 0 });
    });

    it('promise C10 holds: a busy best service without an equal keeps its tasks waiting', async () => {
      const { orchestrator, crew } = setUp(
        [
          ['a', 0.9],
          ['b', 0.84],
        ],
        { maxParallel: 1 },
      );
      for (const task of ['1', '2', '3']) void orchestrator.execute(task);
      await drained();
      expect(orchestrator.listServices().map(({ queued }) => queued)).toEqual([2, 0, 0]);
      expect([crew.b.calls, crew.c.calls]).toEqual([[], []]);
      await orchestrator.close({ drainSeconds: 0 });
    });
  });

  it('fault R9 a rate window and an abandoned attempt do not make a service unavailable either', async () => {
    const best = manualService();
    const next = manualService();
    const { orchestrator, advance } = simulated({
      services: {
        best: { service: best, rateLimit: { limit: 1, intervalSeconds: 10 }, concurrency: 2 },
        next,
      },
      strategy: () => [
        ['best', 0.9],
        ['next', 0.8],
      ],
      config: config({ fallbackService: 'next' }),
    });
    const first = orchestrator.submit('a');
    const second = orchestrator.execute('b');
    await drained();
    first.cancel();
    await advance(10_000);
    best.calls[1]?.resolve();
    expect((await second).serviceName).toBe('best');
    expect(next.calls).toHaveLength(0);
  });
});
