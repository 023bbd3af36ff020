import { describe, expect, it } from 'vitest';
import { decideRoute } from '../../src/core/decide-route.js';
import type { Ranked, Ranking, RoutingStrategy } from '../../src/core/route.js';
import { createRouter } from '../../src/strategies/router.js';
import { atOnce, cheapestMs, HandClock, profilesOf, recordingLog, textOf, thenable } from './support.js';

const NAMES = ['chat', 'vision', 'reasoning'];

function setUp(strategy: RoutingStrategy, names: readonly string[] = NAMES) {
  const clock = new HandClock();
  const log = recordingLog();
  const router = createRouter({ strategy, clock, timeoutSeconds: 1, log });
  router.updateProfiles(profilesOf(...names));
  return { router, clock, log };
}

/** A router whose strategy always answers the same. */
function answering(answer: unknown, names?: readonly string[]) {
  return setUp({ name: 'odd', route: () => answer as Ranked }, names);
}

function decide({ ranked }: Ranking, fallbackService: string | null = 'chat') {
  return decideRoute(ranked, {
    confidenceThreshold: 0.5,
    fallbackService,
    registered: NAMES,
    isAvailable: () => true,
  });
}

describe('fault R1 a strategy that throws', () => {
  it.each([
    ['an error', new Error('broken')],
    ['undefined', undefined],
    [
      'an object whose getters throw',
      Object.defineProperty({}, 'message', {
        get: () => {
          throw 1;
        },
      }),
    ],
  ])('%s: the ranking is empty and has the cause, one warning is given', (_, cause) => {
    const { router, log } = setUp({
      route() {
        throw cause;
      },
    });
    for (let i = 0; i < 3; i++) expect(atOnce(router.rank('task'))).toEqual({ ranked: [], cause });
    expect(log.warnings).toHaveLength(1);
  });

  it('leads to the fallback, and to no-route without one', () => {
    const { router } = setUp({
      route() {
        throw new Error('broken');
      },
    });
    expect(decide(atOnce(router.rank('task')))).toMatchObject({ service: 'chat', outcome: 'fallback' });
    expect(decide(atOnce(router.rank('task')), null)).toMatchObject({ service: null, outcome: 'no-route' });
  });

  it('is treated alike when it rejects', async () => {
    const cause = new Error('late fault');
    const { router, clock } = setUp({ route: () => Promise.reject(cause) });
    await expect(router.rank('task')).resolves.toEqual({ ranked: [], cause });
    expect(clock.waiting).toBe(0);
  });

  it('goes on when the log throws too', () => {
    const log = {
      ...recordingLog(),
      warn: () => {
        throw new Error('log');
      },
    };
    const router = createRouter({
      strategy: {
        route() {
          throw new Error('broken');
        },
      },
      clock: new HandClock(),
      log,
    });
    router.updateProfiles(profilesOf(...NAMES));
    expect(atOnce(router.rank('task')).ranked).toEqual([]);
  });

  it('is reported when it throws or rejects at a registry change', async () => {
    for (const onRegistryChange of [
      () => {
        throw new Error('no');
      },
      async () => {
        throw new Error('no');
      },
    ]) {
      const { router, log } = setUp({ route: () => [['chat', 0.7]], onRegistryChange });
      expect(textOf(atOnce(router.rank('task')).ranked)).toBe('chat 0.7000');
      await Promise.resolve();
      await Promise.resolve();
      expect(log.warnings).toHaveLength(1);
    }
  });
});

describe('fault R2 an unknown service', () => {
  it('is dropped, with one warning for each name', () => {
    const { router, log } = answering([
      ['ghost', 0.9],
      ['vision', 0.6],
      ['phantom', 0.8],
      ['ghost', 0.7],
    ]);
    for (let i = 0; i < 3; i++) expect(textOf(atOnce(router.rank('task')).ranked)).toBe('vision 0.6000');
    expect(log.warnings.map(({ facts }) => facts)).toEqual([
      { strategy: 'odd', service: 'ghost' },
      { strategy: 'odd', service: 'phantom' },
    ]);
  });

  it('warns of a thousand names at most', () => {
    const { router, log } = answering(Array.from({ length: 5000 }, (_, i) => [`ghost ${i}`, 0.5]));
    expect(atOnce(router.rank('task')).ranked).toEqual([]);
    expect(log.warnings).toHaveLength(1000);
  });

  it('is a service that is removed while an asynchronous strategy thinks', async () => {
    let answer: (ranked: Ranked) => void = () => {};
    const { router } = setUp({
      route: () =>
        new Promise<Ranked>((resolve) => {
          answer = resolve;
        }),
    });
    const ranking = router.rank('task');
    router.updateProfiles(profilesOf('chat'));
    answer([
      ['vision', 0.9],
      ['chat', 0.6],
    ]);
    expect(textOf((await ranking).ranked)).toBe('chat 0.6000');
  });
});

describe('fault R3 a confidence that is no number in 0 to 1', () => {
  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0.1,
    1.1,
    '0.9',
    null,
    undefined,
    1n,
    {},
  ])('drops the entry before the sort: %s', (confidence) => {
    const { router, log } = answering([
      ['reasoning', 0.2],
      ['vision', confidence],
      ['chat', 0.9],
      { service: 'vision', confidence },
    ]);
    expect(textOf(atOnce(router.rank('task')).ranked)).toBe('chat 0.9000, reasoning 0.2000');
    expect(log.warnings).toHaveLength(1);
  });

  it('keeps the highest of several entries for one service', () => {
    const { router } = answering([
      ['vision', 0.3],
      { service: 'vision', confidence: 0.8, strategy: 'own', reasons: [{ kind: 'custom', note: 'why' }] },
      ['vision', 0.5],
    ]);
    expect(atOnce(router.rank('task')).ranked).toEqual([
      { service: 'vision', confidence: 0.8, strategy: 'own', reasons: [{ kind: 'custom', note: 'why' }] },
    ]);
  });

  it('drops entries that are no candidates, and reasons that are none', () => {
    const odd = {
      service: 'chat',
      confidence: 0.7,
      strategy: 7,
      reasons: [null, 'x', { kind: 'term' }, { kind: 'llm', note: 'n' }],
    };
    const { router } = answering([null, 7, 'vision', [], {}, () => 1, odd]);
    expect(atOnce(router.rank('task')).ranked).toEqual([
      { service: 'chat', confidence: 0.7, strategy: 'odd', reasons: [{ kind: 'llm', note: 'n' }] },
    ]);
  });

  it('reads the name of an entry once: a getter cannot slip in another one', () => {
    let reads = 0;
    const entry = {
      get service() {
        return reads++ === 0 ? 'chat' : 'ghost';
      },
      confidence: 0.7,
    };
    expect(textOf(atOnce(answering([entry]).router.rank('task')).ranked)).toBe('chat 0.7000');
  });

  it('keeps the mark of a rank, and takes nothing else for one', () => {
    const rank = (isRankOnly: unknown) =>
      atOnce(answering([{ service: 'chat', confidence: 0.7, isRankOnly }]).router.rank('task')).ranked[0];
    expect(rank(true)).toMatchObject({ isRankOnly: true });
    for (const odd of [false, 1, 'true', {}]) expect(rank(odd)).not.toHaveProperty('isRankOnly');
  });

  it('takes an answer whose getters throw for a fault', () => {
    const cause = new Error('getter');
    const entry = Object.defineProperty({ service: 'chat' }, 'confidence', {
      get: () => {
        throw cause;
      },
    });
    expect(atOnce(answering([entry]).router.rank('task'))).toEqual({ ranked: [], cause });
  });
});

describe('fault R4 a strategy that never resolves', () => {
  it('counts as one that throws after its time, and its signal is aborted', async () => {
    let signal: AbortSignal | undefined;
    const { router, clock, log } = setUp({
      name: 'stuck',
      route(_task, _services, context) {
        signal = context.signal;
        return new Promise(() => {});
      },
    });
    const ranking = router.rank('task');
    clock.advance(999);
    expect(signal?.aborted).toBe(false);
    clock.advance(1);
    expect(signal?.aborted).toBe(true);
    await expect(ranking).resolves.toMatchObject({ ranked: [], cause: { code: 'TIMEOUT' } });
    expect(log.warnings).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });

  it('gives an aborted signal to a strategy that looks at it only afterwards', async () => {
    let look: () => AbortSignal | undefined = () => undefined;
    const { router, clock } = setUp({
      route(_task, _services, context) {
        look = () => context.signal;
        return new Promise(() => {});
      },
    });
    const ranking = router.rank('task');
    clock.advance(1000);
    await ranking;
    expect(look()?.aborted).toBe(true);
  });

  it('clears its timer when the answer comes in time, and starts none for an answer at once', async () => {
    const { router, clock } = setUp({ route: async () => [['chat', 0.6]] });
    const ranking = router.rank('task');
    expect(clock.waiting).toBe(1);
    expect(textOf((await ranking).ranked)).toBe('chat 0.6000');
    expect(clock.waiting).toBe(0);
    const sync = answering([['chat', 0.6]]);
    sync.router.rank('task');
    expect(sync.clock.waiting).toBe(0);
  });

  it('ignores an answer that comes too late', async () => {
    let answer: (ranked: Ranked) => void = () => {};
    const { router, clock } = setUp({
      route: () =>
        new Promise<Ranked>((resolve) => {
          answer = resolve;
        }),
    });
    const ranking = router.rank('task');
    clock.advance(1000);
    answer([['chat', 0.9]]);
    expect((await ranking).ranked).toEqual([]);
  });

  const itself = thenable((ok) => ok(itself));
  it.each<[string, object, string]>([
    [
      'answers twice',
      thenable((ok) => {
        ok([['chat', 0.6]]);
        ok([['vision', 0.9]]);
      }),
      'chat 0.6000',
    ],
    [
      'answers, then throws',
      thenable((ok) => {
        ok([['chat', 0.6]]);
        throw new Error('too late');
      }),
      'chat 0.6000',
    ],
    [
      'throws',
      thenable(() => {
        throw new Error('then');
      }),
      '',
    ],
    ['answers with itself', itself, ''],
    ['rejects with nothing', thenable((_, fail) => fail()), ''],
  ])('settles once with a thenable that %s', async (_, answer, expected) => {
    const { router, clock } = answering(answer);
    expect(textOf((await router.rank('task')).ranked)).toBe(expected);
    expect(clock.waiting).toBe(0);
  });

  it('takes a `then` whose getter throws for a fault', () => {
    const cause = new Error('then');
    const answer = Object.defineProperty({}, 'then', {
      get: () => {
        throw cause;
      },
    });
    expect(atOnce(answering(answer).router.rank('task'))).toEqual({ ranked: [], cause });
  });
});

describe('fault R5 no array, or far too long a one', () => {
  it.each([undefined, null, 'vision', 7, {}, { 0: ['vision', 1], length: 1 }, new Map([['vision', 1]])])(
    'takes %s for a fault that says what to return',
    (answer) => {
      expect(atOnce(answering(answer).router.rank('task'))).toMatchObject({
        ranked: [],
        cause: { message: expect.stringContaining('Strategy "odd" answered') },
      });
    },
  );

  it('cuts a million entries to the registered services in bounded time', () => {
    const answer = Array.from({ length: 1_000_000 }, (_, i) => [NAMES[i % 3], i / 1_000_000]);
    const { router } = answering(answer);
    const elapsedMs = cheapestMs(() => {
      expect(atOnce(router.rank('task')).ranked.map(({ service }) => service)).toEqual([
        'chat',
        'reasoning',
        'vision',
      ]);
    });
    // 50 ms on a quiet machine; the bound only tells it from a hang.
    expect(elapsedMs).toBeLessThan(500);
  });

  it('reads an array of a thousand million holes in bounded time', () => {
    const { router } = answering(new Array(4_000_000_000));
    expect(cheapestMs(() => router.rank('task'))).toBeLessThan(500);
  });
});

describe('fault R7 equal confidences', () => {
  it('stay in order of registration, whatever order the strategy gave', () => {
    const answers = [
      [
        ['reasoning', 0.5],
        ['chat', 0.5],
        ['vision', 0.5],
      ],
      [
        ['vision', 0.5],
        ['reasoning', 0.5],
        ['chat', 0.5],
      ],
    ];
    for (const answer of answers) {
      expect(textOf(atOnce(answering(answer).router.rank('task')).ranked)).toBe(
        'chat 0.5000, vision 0.5000, reasoning 0.5000',
      );
    }
  });
});
