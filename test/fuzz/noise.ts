import type { Random } from '../simulation/random.js';

/** Strings that have broken programs before. */
const STRINGS: readonly string[] = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\u2028\u2029',
  '\ud800',
  '\udfff\ud800',
  '\ufeff',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  '../../etc/passwd',
  '%00%0a',
  '{{7*7}}',
  '${process.exit(1)}',
  '$(kill $PPID)',
  '\x1b[2J',
  'a'.repeat(10_000),
  '💥'.repeat(500),
  '(a+)+$',
];

/** Numbers at the edges; those that JSON cannot say become null. */
const NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  1.5,
  1e-320,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
];

const MOST_DEPTH = 3;

/** Any JSON value, ordinary or not. */
export function noise(random: Random, depth = 0): unknown {
  return random.weighted<() => unknown>([
    [4, () => noiseText(random)],
    [3, () => random.pick(NUMBERS)],
    [1, () => null],
    [1, () => random.chance(0.5)],
    [depth < MOST_DEPTH ? 2 : 0, () => list(random, depth)],
    [depth < MOST_DEPTH ? 3 : 0, () => noiseObject(random, depth)],
    [depth === 0 ? 0.3 : 0, () => nested(random.pick([10, 63, 64, 65, 500, 2000]))],
  ])();
}

/** An object whose keys and values are noise. */
export function noiseObject(random: Random, depth = 0): Record<string, unknown> {
  const entries = Array.from({ length: random.int(0, 4) }, () => [
    random.chance(0.5)
      ? random.pick(['name', 'uri', 'task', 'service', 'kwargs', '_meta'])
      : noiseText(random),
    noise(random, depth + 1),
  ]);
  // Defines even `__proto__` as a property of its own, as JSON.parse does.
  return Object.fromEntries(entries);
}

/** Any text. */
export function noiseText(random: Random): string {
  if (random.chance(0.6)) return random.pick(STRINGS);
  const units = Array.from({ length: random.int(0, 12) }, () =>
    random.int(0, random.chance(0.8) ? 0x7f : 0xffff),
  );
  return String.fromCharCode(...units);
}

function list(random: Random, depth: number): unknown[] {
  const length = random.weighted([
    [8, random.int(0, 4)],
    [1, 300],
  ]);
  const item = noise(random, depth + 1);
  return Array.from({ length }, () => item);
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
