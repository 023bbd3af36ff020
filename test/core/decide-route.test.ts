import { describe, expect, it } from 'vitest';
import { decideRoute, explicitRoute, type RoutePolicy } from '../../src/core/decide-route.js';
import type { RouteCandidate } from '../../src/core/route.js';

const candidate = (service: string, confidence: number): RouteCandidate => ({ service, confidence });

const POLICY: RoutePolicy = {
  confidenceThreshold: 0.5,
  fallbackService: 'chat',
  registered: ['chat', 'vision', 'reasoning'],
  isAvailable: () => true,
};

/** Everything is available but these. */
const without = (...down: string[]): RoutePolicy => ({
  ...POLICY,
  isAvailable: (service) => !down.includes(service),
});

describe('decideRoute', () => {
  it.each([0.5, 0.51, 1])('matches the best candidate at or above the threshold: %d', (confidence) => {
    const ranked = [candidate('vision', confidence), candidate('chat', 0.1)];
    expect(decideRoute(ranked, POLICY)).toEqual({
      service: 'vision',
      confidence,
      usedFallback: false,
      outcome: 'matched',
      why: 'chosen by the strategy',
      ranked,
    });
  });

  it.each<[string, Partial<RouteCandidate>]>([
    ['keyword pdf', { reasons: [{ kind: 'keyword', keyword: 'pdf', at: 3, score: 1 }] }],
    [
      'keywords extract, pdf',
      {
        reasons: [
          { kind: 'keyword', keyword: 'extract', at: 0, score: 1 },
          { kind: 'keyword', keyword: 'pdf', at: 9, score: 1 },
        ],
      },
    ],
    ['terms scan, page', { reasons: ['scan', 'page'].map((term) => ({ kind: 'term', term, weight: 0.1 })) }],
    ['like the example "read it"', { reasons: [{ kind: 'example', text: 'read it', similarity: 0.7 }] }],
    ['said so', { reasons: [{ kind: 'llm', note: 'said so' }] }],
    ['chosen by mine', { strategy: 'mine' }],
  ])('says why it matched: %s', (why, fields) => {
    expect(decideRoute([{ ...candidate('vision', 0.9), ...fields }], POLICY).why).toBe(why);
  });

  it.each<[string, RouteCandidate[], string]>([
    ['nothing matches', [], 'no-match: no candidate'],
    ['nothing scores', [candidate('vision', 0)], 'no-match: no candidate'],
    [
      'the best is too weak',
      [candidate('vision', 0.4), candidate('chat', 0.1)],
      'below-threshold: vision 0.40 < 0.5',
    ],
    [
      'two weak ones are close',
      [candidate('vision', 0.4), candidate('reasoning', 0.36)],
      'ambiguous: vision 0.40 and reasoning 0.36',
    ],
  ])('falls back when %s', (_, ranked, why) => {
    const confidence = ranked.find(({ service }) => service === 'chat')?.confidence ?? 0;
    expect(decideRoute(ranked, POLICY)).toMatchObject({
      service: 'chat',
      confidence,
      usedFallback: true,
      outcome: 'fallback',
      why,
    });
  });

  it('matches a sure candidate even when the second is close: only the fallback is explained as ambiguous', () => {
    const ranked = [candidate('vision', 0.6), candidate('reasoning', 0.58)];
    expect(decideRoute(ranked, POLICY)).toMatchObject({ service: 'vision', outcome: 'matched' });
  });

  it('takes the next candidate at or above the threshold when the best is not available', () => {
    const ranked = [candidate('vision', 0.9), candidate('reasoning', 0.5)];
    expect(decideRoute(ranked, without('vision'))).toMatchObject({
      service: 'reasoning',
      outcome: 'matched',
    });
  });

  it('falls back as unavailable when no other candidate is sure', () => {
    const ranked = [candidate('vision', 0.9), candidate('reasoning', 0.49)];
    const route = decideRoute(ranked, without('vision'));
    expect(route).toMatchObject({ service: 'chat', outcome: 'fallback', usedFallback: true });
    expect(route.why).toMatch(/^unavailable: the circuit of vision 0.90 is open/);
  });

  it('still routes to the one to wait for when everything is down', () => {
    const down = without('vision', 'chat', 'reasoning');
    expect(decideRoute([candidate('vision', 0.9)], down)).toMatchObject({
      service: 'vision',
      outcome: 'matched',
    });
    expect(decideRoute([], down)).toMatchObject({ service: 'chat', outcome: 'fallback' });
  });

  it.each([null, 'gone'])('uses the only service there is when the fallback is %s', (fallbackService) => {
    const policy = { ...POLICY, fallbackService, registered: ['vision'] };
    expect(decideRoute([candidate('vision', 0.2)], policy)).toMatchObject({
      service: 'vision',
      confidence: 0.2,
      usedFallback: false,
      outcome: 'only-service',
    });
  });

  it.each([null, 'gone'])(
    'guesses nothing among several services when the fallback is %s',
    (fallbackService) => {
      const ranked = [candidate('vision', 0.2)];
      expect(decideRoute(ranked, { ...POLICY, fallbackService })).toEqual({
        service: null,
        confidence: 0,
        usedFallback: false,
        outcome: 'no-route',
        why: 'below-threshold: vision 0.20 < 0.5',
        ranked,
      });
    },
  );
});

describe('decideRoute with onUnavailable', () => {
  const RANKED = [candidate('vision', 0.9), candidate('reasoning', 0.8)];

  it.each<[NonNullable<RoutePolicy['onUnavailable']>, string, string, string[]]>([
    ['next', 'the next candidate', 'reasoning', ['vision']],
    ['next', 'the fallback when all candidates are down', 'chat', ['vision', 'reasoning']],
    ['fail', 'the next candidate', 'reasoning', ['vision']],
    ['fallback', 'the best candidate while it is there', 'vision', ['reasoning', 'chat']],
    ['fallback', 'the fallback, whatever the next candidate is', 'chat', ['vision']],
    [
      'fallback',
      'the best candidate to wait for when the fallback is down too',
      'vision',
      ['vision', 'chat'],
    ],
    ['wait', 'the best candidate, down or not', 'vision', ['vision']],
  ])('%s: takes %s', (onUnavailable, _, service, down) => {
    expect(decideRoute(RANKED, { ...without(...down), onUnavailable }).service).toBe(service);
  });

  it('fallback: says which circuit is open', () => {
    expect(decideRoute(RANKED, { ...without('vision'), onUnavailable: 'fallback' })).toMatchObject({
      outcome: 'fallback',
      why: 'unavailable: the circuit of vision 0.90 is open',
    });
  });

  it('fallback: takes an equal of the best that is less busy, and says so', () => {
    const near = [candidate('vision', 0.8), candidate('reasoning', 0.78)];
    const loadOf = (service: string): number => (service === 'vision' ? 2 : 1);
    expect(decideRoute(near, { ...POLICY, onUnavailable: 'fallback', loadOf })).toMatchObject({
      service: 'reasoning',
      why: 'chosen by the strategy; less busy than vision 0.80',
    });
  });
});

describe('decideRoute with loads', () => {
  const NEAR = [candidate('vision', 0.8), candidate('reasoning', 0.76), candidate('chat', 0.74)];
  const withLoads = (loads: Record<string, number>, policy = POLICY): RoutePolicy => ({
    ...policy,
    loadOf: (service) => loads[service] ?? 0,
  });

  it.each<[string, Record<string, number>, string]>([
    ['the best while it is the least busy', { vision: 1, reasoning: 2 }, 'vision'],
    ['the best of equally busy ones', { vision: 2, reasoning: 2 }, 'vision'],
    ['its equal when that is less busy', { vision: 2, reasoning: 1, chat: 0 }, 'reasoning'],
    ['its equal when the best is infinitely busy', { vision: Number.POSITIVE_INFINITY }, 'reasoning'],
    ['the best when a load is no number', { vision: 1, reasoning: Number.NaN }, 'vision'],
  ])('takes %s', (_, loads, service) => {
    expect(decideRoute(NEAR, withLoads(loads)).service).toBe(service);
  });

  it('says so, with what the chosen service scored', () => {
    expect(decideRoute(NEAR, withLoads({ vision: 2 }))).toMatchObject({
      confidence: 0.76,
      outcome: 'matched',
      why: 'chosen by the strategy; less busy than vision 0.80',
      ranked: NEAR,
    });
  });

  it('goes neither below the threshold nor to a service that is down', () => {
    const ranked = [candidate('vision', 0.51), candidate('reasoning', 0.49), candidate('chat', 0.48)];
    expect(decideRoute(ranked, withLoads({ vision: 9 })).service).toBe('vision');
    expect(decideRoute(NEAR, withLoads({ vision: 9 }, without('reasoning'))).service).toBe('vision');
  });

  it.each(['wait', 'fallback'] as const)(
    'leaves the best one for none that is down when a task is to %s',
    (onUnavailable) => {
      const policy = { ...without('reasoning'), onUnavailable };
      expect(decideRoute(NEAR.slice(0, 2), withLoads({ vision: 9 }, policy)).service).toBe('vision');
    },
  );

  it('measures nearness from the best one that is available', () => {
    const ranked = [candidate('vision', 0.8), candidate('reasoning', 0.76), candidate('chat', 0.74)];
    expect(decideRoute(ranked, withLoads({ reasoning: 5 }, without('vision'))).service).toBe('chat');
  });

  it('asks for no load while the best has no equal, and leaves ranks alone', () => {
    const loadOf = (): number => {
      throw new Error('asked');
    };
    const alone = [candidate('vision', 0.8), candidate('reasoning', 0.7)];
    expect(decideRoute(alone, { ...POLICY, loadOf }).service).toBe('vision');
    const ranks = NEAR.map((each) => ({ ...each, isRankOnly: true }));
    expect(decideRoute(ranks, { ...POLICY, loadOf }).service).toBe('vision');
  });
});

describe('explicitRoute', () => {
  it('is the service that was named, for certain', () => {
    expect(explicitRoute('vision')).toMatchObject({
      service: 'vision',
      confidence: 1,
      outcome: 'explicit',
      usedFallback: false,
    });
  });
});
