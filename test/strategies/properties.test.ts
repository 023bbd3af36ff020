import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteCandidate, ServiceProfile } from '../../src/core/route.js';
import { CapabilityStrategy } from '../../src/strategies/capability-strategy.js';
import { CompositeStrategy } from '../../src/strategies/composite-strategy.js';
import { KeywordStrategy } from '../../src/strategies/keyword-strategy.js';
import { createRouter } from '../../src/strategies/router.js';
import { atOnce, cheapestMs, contextOf, HandClock, profilesOf } from './support.js';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.constantFrom(
        'search',
        'the',
        'web',
        'images',
        'analyze',
        'image',
        'plan',
        'a',
        '画像',
        "it's",
        '\n',
      ),
    )
    .map((words) => words.join(' ')),
);
const profile: fc.Arbitrary<ServiceProfile> = fc.record(
  {
    name: fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('vision', '__proto__', 'constructor')),
    description: text,
    keywords: fc.array(
      fc.oneof(text, fc.record({ text, weight: fc.oneof(fc.double(), fc.double({ min: 0, max: 1000 })) })),
      { maxLength: 5 },
    ),
    examples: fc.array(text, { maxLength: 5 }),
    capabilities: fc.array(text, { maxLength: 3 }),
    trusted: fc.boolean(),
  },
  { requiredKeys: ['name'] },
);
const profiles = fc.array(profile, { maxLength: 6 }).map((list) => profilesOf(...list));

function isClean(ranked: readonly RouteCandidate[], names: readonly string[]): boolean {
  return ranked.every(
    ({ service, confidence }, i) =>
      names.includes(service) &&
      confidence >= 0 &&
      confidence <= 1 &&
      confidence <= (ranked[i - 1]?.confidence ?? 1) &&
      ranked.findIndex((other) => other.service === service) === i,
  );
}

const STRATEGIES = {
  KeywordStrategy: () => new KeywordStrategy(),
  CapabilityStrategy: () => new CapabilityStrategy(),
  'CompositeStrategy (noisyOr)': () =>
    new CompositeStrategy([new KeywordStrategy(), new CapabilityStrategy()], { mode: 'noisyOr' }),
  'CompositeStrategy (rrf)': () =>
    new CompositeStrategy([new KeywordStrategy(), new CapabilityStrategy()], { mode: 'rrf' }),
};

describe.each(Object.entries(STRATEGIES))('%s', (_, create) => {
  it('ranks any text against any profiles: confidences in 0 to 1, best first, each service once', () => {
    fc.assert(
      fc.property(profiles, fc.array(text, { minLength: 1, maxLength: 5 }), (registry, tasks) => {
        const strategy = create();
        strategy.onRegistryChange(registry);
        const names = [...registry.keys()];
        for (const task of tasks) {
          const ranked = strategy.route(task, names, contextOf(registry)) as RouteCandidate[];
          expect(isClean(ranked, names)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('answers the same to the same, whatever it was asked in between', () => {
    fc.assert(
      fc.property(profiles, text, text, (registry, task, other) => {
        const strategy = create();
        strategy.onRegistryChange(registry);
        const names = [...registry.keys()];
        const first = strategy.route(task, names, contextOf(registry));
        strategy.route(other, names, contextOf(registry));
        strategy.route(task, names.slice(1), contextOf(registry));
        expect(strategy.route(task, names, contextOf(registry))).toEqual(first);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the router', () => {
  it('makes a clean ranking of any answer', async () => {
    const names = ['a', 'b', '__proto__'];
    const entry = fc.oneof(
      fc.anything(),
      fc.tuple(fc.constantFrom(...names, 'x'), fc.oneof(fc.double(), fc.double({ min: 0, max: 1 }))),
      fc.record({ service: fc.constantFrom(...names), confidence: fc.double(), reasons: fc.anything() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), fc.array(entry)), async (answer) => {
        const router = createRouter({ strategy: { route: () => answer as never }, clock: new HandClock() });
        router.updateProfiles(profilesOf(...names));
        const { ranked } = await router.rank('task');
        expect(isClean(ranked, names)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('fault R8 a task of a megabyte', () => {
  const names = Array.from({ length: 100 }, (_, i) => `service ${i}`);
  const registry = profilesOf(
    ...names.map((name, i) => ({
      name,
      keywords: [`word${i} thing`, 'image'],
      examples: [`do the thing ${i}`],
    })),
  );

  it.each([
    ['keywords', 'image word7 thing '.repeat(60_000)],
    ['one letter', 'a'.repeat(1_000_000)],
    ['different words', Array.from({ length: 120_000 }, (_, i) => `w${i}`).join(' ')],
    ['nothing but dots', '.'.repeat(1_000_000)],
    ['letters of another script', '画像'.repeat(500_000)],
    ['ligatures that grow', 'ﷺ'.repeat(1_000_000)],
  ])('of %s is routed in less than 50 ms', (_, task) => {
    const strategy = new CompositeStrategy([new KeywordStrategy(), new CapabilityStrategy()], {
      mode: 'max',
    });
    const router = createRouter({ strategy, clock: new HandClock() });
    router.updateProfiles(registry);
    router.rank('warm');
    expect(cheapestMs(() => atOnce(router.rank(task)))).toBeLessThan(50);
  });

  it('is routed by its first 8,192 characters', () => {
    const strategy = new KeywordStrategy();
    expect(strategy.route(`${'x '.repeat(4000)}image`, ['vision'])).toHaveLength(1);
    expect(strategy.route(`${'x '.repeat(500_000)}image`, ['vision'])).toEqual([]);
  });
});
