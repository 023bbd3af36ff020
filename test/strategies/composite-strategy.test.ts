import { describe, expect, it, vi } from 'vitest';
import type { Ranked, RoutingStrategy } from '../../src/core/route.js';
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

  it('gives each asynchronous strategy its own time', async () => {
    const clock = new HandClock();
    const composite = new CompositeStrategy([saying([['a', 0.4]]), { route: () => new Promise(() => {}) }], {
      timeLimit: { clock, timeoutMs: 500 },
    });
    const ranking = rank(composite);
    clock.advance(500);
    expect(await ranking).toBe('a 0.4000');
    expect(clock.waiting).toBe(0);
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
