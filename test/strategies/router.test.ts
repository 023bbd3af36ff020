import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decideRoute } from '../../src/core/decide-route.js';
import type { RouteContext } from '../../src/core/route.js';
import { KeywordStrategy } from '../../src/strategies/keyword-strategy.js';
import { createDefaultStrategy, createRouter } from '../../src/strategies/router.js';
import { atOnce, BUILT_IN, HandClock, profilesOf, textOf } from './support.js';

interface SeedExample {
  readonly text: string;
  readonly service: string;
  readonly available: string[] | null;
}
const SEED: { examples: SeedExample[] } = JSON.parse(
  readFileSync(new URL('../fixtures/routing/seed_examples.json', import.meta.url), 'utf8'),
);

describe('the default strategy through router and decision', () => {
  describe.each([0.5, 0.6, 0.7])('at a threshold of %d', (confidenceThreshold) => {
    it.each(SEED.examples)('sends "$text" to $service', ({ text, service, available }) => {
      const registered = available ?? BUILT_IN;
      const strategy = createDefaultStrategy({ confidenceThreshold });
      const router = createRouter({ strategy, clock: new HandClock() });
      router.updateProfiles(profilesOf(...registered));
      const { ranked } = atOnce(router.rank(text));
      const policy = { confidenceThreshold, fallbackService: 'chat', registered, isAvailable: () => true };
      expect(decideRoute(ranked, policy).service).toBe(service);
    });
  });

  const profiles = profilesOf(
    'chat',
    { name: 'vision', examples: ['read the sign on the photo', 'what is on my screen'] },
    { name: 'weather', examples: ['will it rain tomorrow', 'how warm is it outside'] },
  );
  const rank = (options: Parameters<typeof createDefaultStrategy>[0], task: string) => {
    const router = createRouter({ strategy: createDefaultStrategy(options), clock: new HandClock() });
    router.updateProfiles(profiles);
    return atOnce(router.rank(task)).ranked;
  };

  it('asks for capabilities when no keyword is sure', () => {
    expect(rank({}, 'will it rain tomorrow')[0]).toMatchObject({
      service: 'weather',
      strategy: 'capability',
    });
    expect(rank({}, 'extract the pdf')).toMatchObject([{ service: 'vision', strategy: 'keyword' }]);
  });

  it('leaves out the stages that are switched off', () => {
    expect(rank({ useCapabilityMatching: false }, 'will it rain tomorrow')).toEqual([]);
    expect(rank({ useKeywordMatching: false }, 'extract pdf')).toEqual([]);
    expect(rank({ useKeywordMatching: false, useCapabilityMatching: false }, 'will it rain, pdf')).toEqual(
      [],
    );
  });
});

describe('createRouter', () => {
  it('answers at once for a synchronous strategy, with candidates and their reasons', () => {
    const router = createRouter({ strategy: new KeywordStrategy(), clock: new HandClock() });
    router.updateProfiles(profilesOf(...BUILT_IN));
    expect(router.rank('Extract text')).toEqual({
      ranked: [
        {
          service: 'vision',
          confidence: 0.75,
          strategy: 'keyword',
          reasons: [{ kind: 'keyword', keyword: 'extract', at: 0, score: 1 }],
        },
      ],
    });
  });

  it('gives the strategy the services in order of registration, their profiles and the arguments of the task', () => {
    const seen: { services: readonly string[]; context: RouteContext }[] = [];
    const router = createRouter({
      strategy: {
        route(_task, services, context) {
          seen.push({ services, context });
          return [['zebra', 0.6]];
        },
      },
      clock: new HandClock(),
    });
    const profiles = profilesOf('zebra', 'ant');
    router.updateProfiles(profiles);
    router.rank('task', { pages: [1] });
    expect(seen[0]?.services).toEqual(['zebra', 'ant']);
    expect(seen[0]?.context.profiles).toBe(profiles);
    expect(seen[0]?.context.kwargs).toEqual({ pages: [1] });
    expect(seen[0]?.context.signal.aborted).toBe(false);
    expect(seen[0]?.context.signal).toBe(seen[0]?.context.signal);
  });

  it('follows the registry', () => {
    const router = createRouter({ strategy: createDefaultStrategy(), clock: new HandClock() });
    expect(atOnce(router.rank('extract the pdf')).ranked).toEqual([]);
    router.updateProfiles(profilesOf('vision'));
    expect(textOf(atOnce(router.rank('extract the pdf')).ranked)).toBe('vision 0.9375');
    router.updateProfiles(profilesOf({ name: 'scanner', keywords: ['pdf'] }));
    expect(textOf(atOnce(router.rank('extract the pdf')).ranked)).toMatch(/^scanner 0.7500/);
  });

  it.each(['__proto__', 'constructor', 'toString', 'then'])('routes to a service called %s', (name) => {
    const router = createRouter({ strategy: createDefaultStrategy(), clock: new HandClock() });
    router.updateProfiles(profilesOf('chat', { name, keywords: ['odd'], description: 'odd jobs' }));
    expect(atOnce(router.rank('an odd task')).ranked[0]).toMatchObject({ service: name, confidence: 0.75 });
  });

  it.each([undefined, null, {}, { route: 1 }, () => []])('refuses %s for a strategy', (strategy) => {
    expect(() => createRouter({ strategy: strategy as never, clock: new HandClock() })).toThrow(TypeError);
  });

  it('keeps a strategy from changing the list of services for others', () => {
    const router = createRouter({
      strategy: {
        route(_task, services) {
          (services as string[]).pop();
          return [];
        },
      },
      clock: new HandClock(),
    });
    router.updateProfiles(profilesOf('a', 'b'));
    expect(atOnce(router.rank('task'))).toMatchObject({ ranked: [], cause: expect.any(TypeError) });
  });
});
