import { type RoutedService, type RoutingSet, sampleSet } from './routing-sets.js';

/** Texts and keywords of each service. */
const TEXTS = 3;
const KEYWORDS = 8;

/** Tasks that are routed. */
const TASKS = 800;

/** Words that a service has for itself. */
const OWN_WORDS = 4;

const SYLLABLES = 'ba do fi gul ker lam mos ne pra qui rud sel tov ur vex wim yor zan'.split(' ');

/**
 * As many services as wanted, for measuring time: sentences of the sample, each with words that only its service has,
 * and keywords from both. How people write is shared among all of them, which is what makes routing slow. The same call
 * gives the same load.
 */
export function speedSet(services: number): RoutingSet {
  const random = createRandom(services);
  const sample = sampleSet();
  const sentences = sample.services.flatMap(({ examples }) => examples);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const made = Array.from({ length: services }, (_, index): RoutedService => {
    const own = Array.from({ length: OWN_WORDS }, (_own, at) => wordOf(index * OWN_WORDS + at));
    const examples = Array.from({ length: TEXTS }, () => `${pick(sentences)} ${pick(own)} ${pick(own)}`);
    const long = examples.flatMap((text) => text.toLowerCase().match(/[a-z]{5,}/g) ?? []);
    const keywords = [...new Set([...own, ...long])].slice(0, KEYWORDS);
    return { name: `service ${index}`, keywords, examples };
  });
  const test = Array.from({ length: TASKS }, () => {
    const { name, keywords = [] } = pick(made);
    return { text: `${pick(sample.test).text} ${pick(keywords)}`, service: name };
  });
  return { services: made, test };
}

/** A made-up word for each number. */
function wordOf(number: number): string {
  const base = SYLLABLES.length;
  const digits = [number % base, Math.floor(number / base) % base, Math.floor(number / base ** 2) % base];
  return digits.map((digit) => SYLLABLES[digit]).join('');
}

/** A small generator of uniform numbers in [0, 1): mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
