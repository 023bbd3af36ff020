import { describe, expect, it } from 'vitest';
import type { ServiceProfile } from '../../src/core/route.js';
import { distinctExamples, findWeaknesses } from '../../src/strategies/profile-weaknesses.js';
import { cheapestMs } from './support.js';

const ROUTING = { useKeywordMatching: true, useCapabilityMatching: true, fallbackService: 'chat' };
const examples = ['one', 'two', 'three', 'four', 'five'];

function found(profiles: readonly ServiceProfile[], routing = ROUTING): [string, ...string[]][] {
  return findWeaknesses(profiles, routing).map(({ kind, services }) => [kind, ...services]);
}

describe('findWeaknesses()', () => {
  it('finds services with fewer than five different examples, but not the fallback', () => {
    const profiles = [
      { name: 'full', examples },
      { name: 'four', description: 'reads', examples: [...examples.slice(0, 4), 'Four!'] },
      { name: 'none', keywords: ['scan'] },
      { name: 'mute' },
      { name: 'chat' },
    ];
    expect(found(profiles)).toEqual([
      ['few-examples', 'four'],
      ['few-examples', 'none'],
      ['nothing-to-go-by', 'mute'],
    ]);
    expect(found(profiles, { ...ROUTING, useCapabilityMatching: false })).toEqual([]);
    expect(findWeaknesses(profiles, ROUTING)[0]).toMatchObject({
      examples: 4,
      text: '"four" has 4 examples; below 5 many of its tasks are not recognised.',
      mend: expect.stringContaining('Add 1 or more to the examples of "four"'),
    });
  });

  it('has nothing to say of one service alone', () => {
    expect(found([{ name: 'only' }])).toEqual([]);
  });

  it('finds keywords with the same stems in several services', () => {
    const profiles = [
      { name: 'a', examples, keywords: ['Searching', 'analyze image', { text: 'off', weight: 0 }] },
      { name: 'b', examples, keywords: ['search', 'analyze', 'off', 'b', '!!'] },
      { name: 'c', examples, keywords: [{ text: 'searches', weight: 0.5 }] },
    ];
    const [weakness, ...others] = findWeaknesses(profiles, ROUTING);
    expect(others).toEqual([]);
    expect(weakness).toMatchObject({
      kind: 'shared-keyword',
      services: ['a', 'b', 'c'],
      keyword: 'Searching',
      text: '"Searching" is a keyword of "a", "b" and "c": a task with no other keyword gives each about 0.25.',
      mend: expect.stringContaining('make it a phrase'),
    });
    expect(found(profiles, { ...ROUTING, useKeywordMatching: false })).toEqual([]);
  });

  it('reads the tables of the built-in services where a profile has no keywords of its own', () => {
    const own = { name: 'own', examples, keywords: ['photo'] };
    expect(found([{ name: 'vision', examples }, own])).toEqual([['shared-keyword', 'vision', 'own']]);
    expect(found([{ name: 'vision', examples, keywords: [] }, own])).toEqual([]);
  });

  it('finds descriptions that say the same or nearly the same', () => {
    const profiles = [
      { name: 'a', examples, description: 'Reads invoices, receipts and letters from scanned documents' },
      { name: 'b', examples, description: 'reading: Scanned documents, letters, receipts, the invoice!' },
      { name: 'c', examples, description: 'Reads invoices, receipts, letters and scanned paper documents' },
      { name: 'd', examples, description: 'Weather forecasts for any city' },
      { name: 'e', examples, description: 'Weather' },
      { name: 'f', examples, description: 'weather' },
      { name: 'g', examples, description: 'Weather reports for any village' },
    ];
    expect(found(profiles)).toEqual([
      ['same-description', 'a', 'b'],
      ['same-description', 'a', 'c'],
    ]);
  });

  it('names five of many services, and survives odd fields', () => {
    const description = 'translates between many languages';
    const odd = { name: 'odd', examples: [null, 7, 'x'], keywords: [{}, 'y'] } as never;
    const same = Array.from({ length: 50 }, (_, i) => ({ name: `s${i}`, examples, description }));
    const weaknesses = findWeaknesses([...same, odd], ROUTING);
    expect(weaknesses.map(({ kind }) => kind)).toEqual(['few-examples', 'same-description']);
    expect(weaknesses[1]?.text).toContain('"s4" and 45 more');
  });

  it('takes time by the texts, not by the pairs of services', () => {
    const profilesOf = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        name: `s${i}`,
        examples,
        keywords: ['shared', `own${i}`],
        description: `Finds and shows the latest reports about subject${i} and topic${i % 97}`,
      }));
    const run = (count: number) => {
      const profiles = profilesOf(count);
      return cheapestMs(() => expect(findWeaknesses(profiles, ROUTING)).toHaveLength(1));
    };
    expect(run(8000)).toBeLessThan(40 * Math.max(1, run(1000)));
  });
});

it('distinctExamples() counts what differs in more than case and punctuation', () => {
  expect(distinctExamples({ name: 'a', examples: ['Scan it', 'scan it!', ' ', 'Scan that'] })).toBe(2);
  expect(distinctExamples({ name: 'a' })).toBe(0);
});
