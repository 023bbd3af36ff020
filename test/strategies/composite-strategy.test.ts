import { describe, expect, it, vi } from 'vitest';
import { decideRoute } from '../../src/core/decide-route.js';
import type { Ranked, RouteCandidate, RoutingStrategy } from '../../src/core/route.js';
import { CompositeStrategy } from '../../src/strategies/composite-strategy.js';
import { FunctionStrategy } from '../../src/strategies/function-strategy.js';
import { contextOf, HandClock, profilesOf, recordingLog, textOf, thenable } from './support.js';

const NAMES = ['a', 'b', 'c'];

/** A strategy that always answers the same, whatever it is. */
function saying(answer: unknown, name = 'saying'): RoutingStrategy {
  return { name, route: () => answer as Ranked };
}

function throwing(cause: unknown, name = 'throwing'): RoutingStrategy {
  return {
    name,
    route() {
      throw cause;
    },
  };
}

async function rank(composite: CompositeStrategy): Promise<string> {
  return textOf(await composite.route('task', NAMES, contextOf()));
}

describe('CompositeStrategy cascade', () => {
  it('asks the next strategy only while none reaches the threshold', () => {
    const next = vi.fn(() => []);
    const cascade = (confidence: number) =>
      new CompositeStrategy([saying([['a', confidence]]), { route: next }], { confidenceThreshold: 0.6 });
    cascade(0.6).route('task', NAMES, contextOf());
    expect(next).not.toHaveBeenCalled();
    cascade(0.59).route('task', NAMES, contextOf());
    expect(next).toHaveBeenCalledOnce();
  });

  it('keeps the highest confidence per service, with the strategy and reasons it came from', () => {
    const reasons = [{ kind: 'custom', note: 'because' }];
    const first = saying([{ service: 'a', confidence: 0.4, reasons }, ['b', 0.3]], 'first');
    const second = saying(
      [
        ['b', 0.45],
        ['a', 0.2],
      ],
      'second',
    );
    expect(new CompositeStrategy([first, second]).route('task', NAMES, contextOf())).toEqual([
      { service: 'b', confidence: 0.45, strategy: 'second' },
      { service: 'a', confidence: 0.4, strategy: 'first', reasons },
    ]);
  });

  it.each([
    [0.7, 'b 0.9000, a 0.6000'],
    [0.6, 'a 0.6000'],
  ])("takes the orchestrator's threshold of %d when it has none", async (confidenceThreshold, expected) => {
    const composite = new CompositeStrategy([saying([['a', 0.6]]), saying([['b', 0.9]])]);
    expect(
      textOf(await composite.route('task', NAMES, contextOf(profilesOf(), { confidenceThreshold }))),
    ).toBe(expected);
  });

  it('has a threshold of 0.5 unless told otherwise, and nothing to say without strategies', async () => {
    expect(await rank(new CompositeStrategy([saying([['a', 0.5]]), saying([['b', 0.9]])]))).toBe('a 0.5000');
    expect(await rank(new CompositeStrategy([]))).toBe('');
  });
});

describe('CompositeStrategy modes', () => {
  const one = saying([
    ['a', 0.8],
    ['b', 0.4],
  ]);
  const two = saying([
    ['b', 0.6],
    ['c', 0.5],
  ]);

  it.each([
    ['max', 'a 0.8000, b 0.6000, c 0.5000'],
    ['weighted', 'b 0.5000, a 0.4000, c 0.2500'],
    ['noisyOr', 'a 0.8000, b 0.7600, c 0.5000'],
    ['rrf', 'b 0.9919, a 0.5000, c 0.4919'],
  ] as const)('%s ranks %s', async (mode, expected) => {
    expect(await rank(new CompositeStrategy([one, two], { mode }))).toBe(expected);
  });

  it('weighs strategies given as pairs', async () => {
    const pairs = [
      [one, 3],
      [two, 1],
    ] as const;
    expect(await rank(new CompositeStrategy(pairs, { mode: 'weighted' }))).toBe(
      'a 0.6000, b 0.4500, c 0.1250',
    );
  });

  it('believes a part of the evidence under noisyOr', async () => {
    const composite = new CompositeStrategy([[one, 0.5], two], { mode: 'noisyOr' });
    expect(await rank(composite)).toBe('b 0.6800, c 0.5000, a 0.4000');
  });

  it('names all strategies and reasons that a mixed confidence came from', () => {
    const [best] = new CompositeStrategy(
      [
        saying([{ service: 'a', confidence: 0.5, reasons: [{ kind: 'custom', note: '1' }] }], 'x'),
        saying([{ service: 'a', confidence: 0.5, reasons: [{ kind: 'custom', note: '2' }] }], 'y'),
      ],
      { mode: 'noisyOr' },
    ).route('task', NAMES, contextOf()) as never[];
    expect(best).toEqual({
      service: 'a',
      confidence: 0.75,
      strategy: 'x+y',
      reasons: [
        { kind: 'custom', note: '1' },
        { kind: 'custom', note: '2' },
      ],
    });
  });

  it.each([
    [[{}], {}],
    [['keyword'], {}],
    [[[saying([]), -1]], {}],
    [[[saying([]), Number.NaN]], {}],
    [[[saying([]), 2]], { mode: 'noisyOr' }],
    [[], { mode: 'vote' }],
    [[], { confidenceThreshold: 1.5 }],
    [[], { strategyTimeoutSeconds: 0 }],
  ])('refuses %j %j', (strategies, options) => {
    expect(() => new CompositeStrategy(strategies as never, options as never)).toThrow(TypeError);
  });
});

describe('CompositeStrategy asynchronous', () => {
  it('answers at once while all strategies do, and with a promise when one does', async () => {
    const late = { route: async () => [['b', 0.9] as const] };
    for (const mode of ['cascade', 'max'] as const) {
      const sync = new CompositeStrategy([saying([['a', 0.2]])], { mode });
      expect(sync.route('task', NAMES, contextOf())).toBeInstanceOf(Array);
      const mixed = new CompositeStrategy([saying([['a', 0.2]]), late, saying([['c', 0.1]])], { mode });
      expect(mixed.route('task', NAMES, contextOf())).toBeInstanceOf(Promise);
      expect(await rank(mixed)).toMatch(/^b 0.9000, a 0.2000/);
    }
  });

  const silent: RoutingStrategy = { name: 'silent', route: () => new Promise(() => {}) };

  it.each([
    ["the orchestrator's", {}, {}, 1000],
    ["the orchestrator's, as configured", {}, { timeoutSeconds: 0.25 }, 250],
    ['its own', { strategyTimeoutSeconds: 0.5 }, { timeoutSeconds: 0.25 }, 500],
  ])(
    'fault R4 ends the wait for a silent strategy by %s limit, and keeps what the others said',
    async (_, options, fields, limitMs) => {
      const clock = new HandClock();
      const log = recordingLog();
      const composite = new CompositeStrategy([saying([['a', 0.4]]), silent], options);
      const ranking = composite.route('task', NAMES, contextOf(profilesOf(), { clock, log, ...fields }));
      clock.advance(limitMs - 1);
      expect(clock.waiting).toBe(1);
      clock.advance(1);
      expect(textOf(await ranking)).toBe('a 0.4000');
      expect(clock.waiting).toBe(0);
      expect(log.warnings).toMatchObject([{ facts: { strategy: 'silent', cause: { code: 'TIMEOUT' } } }]);
    },
  );

  it('fires the signal of the late strategy and of no other', () => {
    const clock = new HandClock();
    const signals: AbortSignal[] = [];
    const listening = (name: string): RoutingStrategy => ({
      name,
      route(_task, _services, { signal }) {
        signals.push(signal);
        return new Promise(() => {});
      },
      ...(name === 'patient' ? { budgetSeconds: () => 3 } : {}),
    });
    const composite = new CompositeStrategy([listening('late'), listening('patient')], { mode: 'max' });
    composite.route('task', NAMES, contextOf(profilesOf(), { clock }));
    clock.advance(1000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('ends every wait when the answer is no longer waited for', async () => {
    const clock = new HandClock();
    const controller = new AbortController();
    const composite = new CompositeStrategy([silent, saying([['a', 0.4]])]);
    const { signal } = controller;
    const ranking = composite.route('task', NAMES, contextOf(profilesOf(), { clock, signal }));
    controller.abort(new Error('closed'));
    expect(textOf(await ranking)).toBe('a 0.4000');
    expect(clock.waiting).toBe(0);
  });

  it.each<[string, object, number]>([
    ['cascade', {}, 1 + 3.05],
    ['max', { mode: 'max' }, 3.05],
    ['cascade', { strategyTimeoutSeconds: 0.2 }, 0.4],
  ])('tells how long its strategies may take together in %s %j', (_, options, seconds) => {
    const patient = { ...silent, budgetSeconds: () => 3 };
    const composite = new CompositeStrategy([silent, patient], options);
    expect(composite.budgetSeconds(1)).toBeCloseTo(seconds);
  });
});

describe('CompositeStrategy and strategies that only rank', () => {
  const sayingRanks = saying(
    [
      { service: 'b', confidence: 0.3, isRankOnly: true },
      { service: 'c', confidence: 0.2, isRankOnly: true },
    ],
    'ranks',
  );

  it('marks what rrf answers, so that no threshold is applied to it', () => {
    const ranked = new CompositeStrategy([saying([['a', 0.01]])], { mode: 'rrf' }).route(
      'task',
      NAMES,
      contextOf(),
    );
    expect(ranked).toMatchObject([{ service: 'a', confidence: 1, isRankOnly: true }]);
    const policy = {
      confidenceThreshold: 1,
      fallbackService: 'c',
      registered: NAMES,
      isAvailable: () => true,
    };
    expect(
      decideRoute(sayingRanks.route('task', NAMES, contextOf()) as RouteCandidate[], policy),
    ).toMatchObject({
      service: 'b',
      outcome: 'matched',
      confidence: 0.3,
    });
  });

  it('lets one decide a cascade alone, as soon as it names a service', async () => {
    const last = saying([['c', 1]]);
    expect(await rank(new CompositeStrategy([saying([['a', 0.4]]), sayingRanks, last]))).toBe(
      'b 0.3000, c 0.2000',
    );
    expect(await rank(new CompositeStrategy([saying([], 'empty'), last]))).toBe('c 1.0000');
  });

  it.each(['weighted', 'max', 'noisyOr'] as const)('skips one in mode %s, with one warning', async (mode) => {
    const log = recordingLog();
    const composite = new CompositeStrategy([sayingRanks, saying([['a', 0.6]])], { mode, log });
    for (let i = 0; i < 2; i++) expect(await rank(composite)).toMatch(/^a /);
    expect(log.warnings).toMatchObject([
      { facts: { cause: { message: expect.stringContaining('only ranks') } } },
    ]);
  });

  it('combines ranks with confidences in mode rrf', async () => {
    expect(await rank(new CompositeStrategy([sayingRanks, saying([['b', 0.1]])], { mode: 'rrf' }))).toBe(
      'b 1.0000, c 0.4919',
    );
  });
});

describe('CompositeStrategy faults', () => {
  it.each<[string, RoutingStrategy]>([
    ['throws', throwing(new Error('no'))],
    ['throws a string', throwing('no')],
    ['rejects', { route: () => Promise.reject(new Error('no')) }],
    ['answers with a string', saying('a')],
    ['answers with nothing', saying(undefined)],
    [
      'answers with a thenable that throws',
      saying(
        thenable(() => {
          throw new Error('no');
        }),
      ),
    ],
  ])('fault R1 skips a strategy that %s, with one warning', async (_, broken) => {
    for (const mode of ['cascade', 'weighted', 'max', 'noisyOr', 'rrf'] as const) {
      const log = recordingLog();
      const composite = new CompositeStrategy([broken, saying([['a', 1]])], { mode, log });
      for (let i = 0; i < 3; i++) expect(await rank(composite)).toBe('a 1.0000');
      expect(log.warnings).toHaveLength(1);
    }
  });

  it('fault R1 fails with all causes when every strategy fails', async () => {
    const composite = new CompositeStrategy([
      throwing(new Error('first fault'), 'one'),
      { name: 'two', route: () => Promise.reject(new Error('second fault')) },
    ]);
    await expect(rank(composite)).rejects.toThrow(/one: first fault; two: second fault/);
  });

  it('fault R2 and R5 cut a million entries, most of them unknown, to the services there are', async () => {
    const many = saying(
      Array.from({ length: 1_000_000 }, (_, i) => [i % 2 ? 'a' : `ghost ${i}`, (i % 7) / 10]),
    );
    for (const mode of ['cascade', 'weighted', 'max', 'noisyOr', 'rrf'] as const) {
      const log = recordingLog();
      expect(await rank(new CompositeStrategy([many, saying([['a', 0.1]])], { mode, log }))).toMatch(
        /^a \d\.\d{4}$/,
      );
      expect(log.warnings).toHaveLength(1000);
    }
  });

  it('fault R3 keeps a confidence that is no number out of the arithmetic', async () => {
    const odd = saying([
      ['a', Number.NaN],
      ['b', '0.9'],
      ['c', 7],
      ['a', 0.3],
      ['unknown', 1],
    ]);
    for (const mode of ['cascade', 'weighted', 'max', 'noisyOr'] as const) {
      expect(await rank(new CompositeStrategy([odd], { mode }))).toBe('a 0.3000');
    }
  });

  it('tells every strategy of registry changes, whatever one of them does', () => {
    const told = vi.fn();
    const log = recordingLog();
    const composite = new CompositeStrategy(
      [
        {
          route: () => [],
          onRegistryChange() {
            throw new Error('no');
          },
        },
        { route: () => [], onRegistryChange: told },
      ],
      { log },
    );
    composite.onRegistryChange(profilesOf('a'));
    expect(told).toHaveBeenCalledOnce();
    expect(log.warnings).toHaveLength(1);
  });
});

describe('FunctionStrategy', () => {
  it('routes by a plain function, sync or async', async () => {
    const last = new FunctionStrategy(function last(_task, services) {
      return [[services.at(-1) as string, 0.7]];
    });
    expect(last.name).toBe('last');
    expect(last.route('task', NAMES, contextOf())).toEqual([['c', 0.7]]);
    const late = new FunctionStrategy(async () => [['a', 0.6]], 'late');
    expect(late.name).toBe('late');
    expect(await rank(new CompositeStrategy([late]))).toBe('a 0.6000');
  });

  it('refuses anything but a function', () => {
    expect(() => new FunctionStrategy({} as never)).toThrow(TypeError);
  });
});
