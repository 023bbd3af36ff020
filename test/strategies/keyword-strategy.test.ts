import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceProfile } from '../../src/index.js';
import { KeywordStrategy } from '../../src/strategies/keyword-strategy.js';
import { KeywordTrie } from '../../src/strategies/keyword-trie.js';
import { stemOf } from '../../src/strategies/words.js';
import { BUILT_IN, cheapestMs, contextOf, profilesOf, textOf } from './support.js';

/** Ranks with these keyword tables only. */
function rankWith(keywords: Record<string, (string | { text: string; weight?: number })[]>, task: string) {
  return new KeywordStrategy({ keywords }).route(task, Object.keys(keywords));
}

describe('KeywordStrategy phrases', () => {
  const tables = { a: ['red green blue'], b: ['red', 'green', 'blue'] };

  it.each([
    ['red green blue', 'a 0.9844'],
    ['red x y z green x y z blue', 'a 0.9844'],
    ['red w x y z green blue', 'b 0.9844'],
    ['blue green red', 'b 0.9844'],
    ['red green', 'b 0.9375'],
  ])('in "%s" ranks %s: words in order, at most three others between neighbours', (task, expected) => {
    expect(textOf(rankWith(tables, task))).toBe(expected);
  });

  it('takes the longest phrase at the leftmost word, whatever shorter ones there are', () => {
    const ranked = rankWith(
      { short: ['deep sea'], long: ['deep sea fishing'], sea: ['sea'] },
      'deep sea fishing',
    );
    expect(textOf(ranked)).toBe('long 0.9844');
  });

  it('goes back when the nearest word leads nowhere', () => {
    expect(textOf(rankWith({ a: ['one two three'] }, 'one two x two y z three'))).toBe('a 0.9844');
  });

  it('counts a repeated phrase once and still takes its words', () => {
    const ranked = rankWith({ a: ['big data'], b: ['data'] }, 'big data, big data, big data');
    expect(textOf(ranked)).toBe('a 0.9375');
  });

  it('searches repeated words in bounded time', () => {
    const phrase = `${'a '.repeat(30)}b`;
    expect(rankWith({ x: [phrase] }, 'a '.repeat(4000))).toEqual([]);
  });

  it('fault R8 does not begin again at each word that a short keyword takes from a long phrase', () => {
    const strategy = new KeywordStrategy({ keywords: { x: [`${'a '.repeat(100)}b`, 'a'] } });
    const elapsedMs = cheapestMs(() => strategy.route('a '.repeat(4000), ['x']));
    // The bound only tells it from a search per word, which takes longer by a factor of sixty.
    expect(elapsedMs).toBeLessThan(3000);
    expect(textOf(strategy.route(`${'a '.repeat(300)}b`, ['x']))).toBe('x 1.0000');
  });

  it('finds in any text the phrases that trying everything finds', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'x');
    const words = (most: number) => fc.array(word, { minLength: 1, maxLength: most });
    fc.assert(
      fc.property(fc.array(words(4), { maxLength: 5 }), words(14), (phrases, text) => {
        const trie = new KeywordTrie<string>();
        for (const phrase of phrases) {
          const { entries } = trie.nodeOf(phrase);
          if (entries.length === 0) entries.push(phrase.join(' '));
        }
        const found = trie.findPhrases(text, () => true).map(({ positions }) => positions);
        expect(found).toEqual(byTryingEverything(phrases, text));
      }),
      { numRuns: 2000 },
    );
  });
});

/** At each word the longest phrase, nearest words first. */
function byTryingEverything(phrases: readonly string[][], text: readonly string[]): number[][] {
  const taken = new Set<number>();
  const matches: number[][] = [];
  const place = (phrase: readonly string[], path: number[]): number[] | undefined => {
    if (path.length === phrase.length) return path;
    const last = path.at(-1) as number;
    for (let next = last + 1; next <= Math.min(last + 4, text.length - 1); next++) {
      if (taken.has(next) || text[next] !== phrase[path.length]) continue;
      const placed = place(phrase, [...path, next]);
      if (placed !== undefined) return placed;
    }
    return undefined;
  };
  for (let start = 0; start < text.length; start++) {
    if (taken.has(start)) continue;
    const placed = phrases
      .filter(([first]) => first === text[start])
      .flatMap((phrase) => [place(phrase, [start]) ?? []])
      .filter(({ length }) => length > 0)
      .sort((a, b) => b.length - a.length || firstDifference(a, b));
    const [best] = placed;
    if (best === undefined) continue;
    for (const position of best) taken.add(position);
    matches.push(best);
  }
  return matches;
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((position, i) => position !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

describe('KeywordStrategy scores', () => {
  it('counts each keyword once, at its first occurrence in exact form', () => {
    const [vision] = new KeywordStrategy().route('images, images, an image and an image', BUILT_IN);
    expect(vision).toMatchObject({
      confidence: 0.75,
      reasons: [{ kind: 'keyword', keyword: 'image', at: 19, score: 1 }],
    });
  });

  it('explains each hit with its keyword and its offset in the normalised text', () => {
    const [vision] = new KeywordStrategy().route('Extract text from this PDF', BUILT_IN);
    expect(vision).toEqual({
      service: 'vision',
      confidence: 0.9375,
      strategy: 'keyword',
      reasons: [
        { kind: 'keyword', keyword: 'extract', at: 0, score: 1 },
        { kind: 'keyword', keyword: 'pdf', at: 23, score: 1 },
      ],
    });
  });

  it('takes two forms of one word for one keyword', () => {
    expect(textOf(rankWith({ a: ['invoice', 'invoices'] }, 'invoices and an invoice'))).toBe('a 0.7500');
  });

  it('weighs keywords, and 0 switches one off', () => {
    const strategy = new KeywordStrategy();
    strategy.addKeyword('responses', 'type', 0.5);
    const task = 'What type of bird is in this photo?';
    expect(textOf(strategy.route(task, BUILT_IN))).toBe('vision 0.5000, responses 0.1667');
    strategy.addKeyword('responses', 'type', 0);
    expect(textOf(strategy.route(task, BUILT_IN))).toBe('vision 0.7500');
  });

  it.each([
    [['a', 'b', 'c'], 'a, b, c'],
    [['c', 'a', 'b'], 'c, a, b'],
  ])('fault R7 keeps equal services in order of registration: %j', (available, expected) => {
    const strategy = new KeywordStrategy({ keywords: { b: ['same'], c: ['same'], a: ['same'] } });
    for (let i = 0; i < 5; i++) {
      expect(
        strategy
          .route('the same', available)
          .map(({ service }) => service)
          .join(', '),
      ).toBe(expected);
    }
  });
});

describe('KeywordStrategy keywords', () => {
  it('prefers the keywords of a profile to the table of that name', () => {
    const strategy = new KeywordStrategy();
    strategy.onRegistryChange(profilesOf('chat', { name: 'vision', keywords: ['telescope'] }));
    expect(textOf(strategy.route('a photo', ['chat', 'vision']))).toBe('');
    expect(textOf(strategy.route('a telescope', ['chat', 'vision']))).toBe('vision 0.7500');
  });

  it('follows the registry', () => {
    const strategy = new KeywordStrategy();
    strategy.onRegistryChange(profilesOf({ name: 'maps', keywords: ['route'] }));
    expect(textOf(strategy.route('a route', ['maps', 'roads']))).toBe('maps 0.7500');
    strategy.onRegistryChange(profilesOf({ name: 'roads', keywords: [{ text: 'route', weight: 2 }] }));
    expect(textOf(strategy.route('a route', ['maps', 'roads']))).toBe('roads 0.9375');
  });

  it('takes the profiles of the call when nobody tells it of changes', () => {
    const context = contextOf(profilesOf({ name: 'maps', keywords: ['route'] }));
    expect(textOf(new KeywordStrategy().route('a route', ['maps'], context))).toBe('maps 0.7500');
  });

  it('adds keywords to tables and to profiles alike', () => {
    const strategy = new KeywordStrategy();
    strategy.onRegistryChange(profilesOf({ name: 'maps', keywords: ['route'] }, 'vision'));
    strategy.addKeyword('maps', 'road');
    strategy.addKeyword('vision', 'telescope');
    expect(textOf(strategy.route('a road route', ['maps']))).toBe('maps 0.9375');
    expect(textOf(strategy.route('a telescope photo', ['vision']))).toBe('vision 0.9375');
  });

  it.each([
    ['画像', 'この画像を説明して'],
    ['カメラ', 'ｶﾒﾗで撮って'],
    ['รูปภาพ', 'อธิบายรูปภาพนี้'],
    ['ຮູບ', 'ເບິ່ງຮູບນີ້'],
  ])('finds %s inside "%s": these scripts put no spaces between words', (keyword, task) => {
    const strategy = new KeywordStrategy();
    strategy.addKeyword('vision', keyword);
    expect(textOf(strategy.route(task, BUILT_IN))).toBe('vision 0.7500');
  });

  it('finds words of other scripts whole and in the form they were written', () => {
    const keywords = { a: ['картинка'] };
    expect(textOf(rankWith(keywords, 'Красивая КАРТИНКА'))).toBe('a 0.7500');
    expect(rankWith(keywords, 'картинками')).toEqual([]);
  });

  it('compares whole words without stems, or with stems of its own', () => {
    const keywords = { a: ['image'] };
    expect(new KeywordStrategy({ keywords, stem: false }).route('images', ['a'])).toEqual([]);
    const firstLetter = new KeywordStrategy({ keywords, stem: (word) => word.charAt(0) });
    expect(textOf(firstLetter.route('ibis', ['a']))).toBe('a 0.7128');
  });

  it('takes stems of other languages beside those of English', () => {
    const stem = (word: string) => (/[^a-z]/.test(word) ? word.replace(/(ками|ка)$/u, '') : stemOf(word));
    const strategy = new KeywordStrategy({ keywords: { a: ['картинка', 'image'] }, stem });
    expect(textOf(strategy.route('с картинками', ['a']))).toBe('a 0.7128');
    expect(textOf(strategy.route('some images', ['a']))).toBe('a 0.7128');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'routes to a service called %s',
    (name) => {
      const strategy = new KeywordStrategy();
      expect(strategy.route('anything', [name])).toEqual([]);
      strategy.addKeyword(name, 'odd');
      expect(textOf(strategy.route('an odd name', [name, 'chat']))).toBe(`${name} 0.7500`);
    },
  );

  it.each([
    ['', 1],
    ['?!', 1],
    ['x'.repeat(257), 1],
    ['word', Number.NaN],
    ['word', -1],
    ['word', Number.POSITIVE_INFINITY],
  ])('addKeyword refuses %j with weight %d', (keyword, weight) => {
    expect(() => new KeywordStrategy().addKeyword('a', keyword, weight)).toThrow(TypeError);
  });

  it('ignores keywords of profiles that can never be found or have no valid weight', () => {
    const strategy = new KeywordStrategy();
    const keywords = ['', '***', 'x'.repeat(300), { text: 'odd', weight: Number.NaN }, 'fine'];
    strategy.onRegistryChange(profilesOf({ name: 'a', keywords }));
    expect(textOf(strategy.route('odd *** but fine', ['a']))).toBe('a 0.7500');
  });

  it.each([[[null]], [[3, undefined, {}]], ['abc'], [{}]])(
    'ignores what is no keyword at all in one profile: %j',
    (keywords) => {
      const strategy = new KeywordStrategy();
      const odd = { name: 'a', keywords } as unknown as ServiceProfile;
      strategy.onRegistryChange(profilesOf(odd, { name: 'b', keywords: ['paint'] }));
      expect(textOf(strategy.route('a b c paint', ['a', 'b']))).toBe('b 0.7500');
    },
  );
});
