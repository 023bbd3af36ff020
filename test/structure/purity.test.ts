import { expect, it } from 'vitest';
import { linesWith, readSources } from './sources.js';

const pureSources = readSources(['core/', 'strategies/', 'machines/', 'actors/']).filter(
  ({ path }) => path !== 'core/clock.ts',
);

/** A method of a port, `clock.setTimeout(…)`, is no global; nor is a declaration, whose parameters have types. */
const globalTimer = /(?<![.\w#])(setTimeout|setInterval|setImmediate)\s*\((?!\w+\??: )/;

it.each([
  ['the time', /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bhrtime\b/],
  ['timers', globalTimer],
  ['randomness', /\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\brandomBytes\b/],
])('promise C15: core, strategies, machines and actors take %s from ports', (_what, pattern) => {
  expect(linesWith(pattern, pureSources)).toEqual([]);
});

it.each([
  ['setTimeout(retry, 100);', true],
  ['const timer = setInterval(() => poll(), 5);', true],
  ['this.#clock.setTimeout(retry, 100);', false],
  ['  setTimeout(callback: () => void, delayMs: number): unknown;', false],
])('tells a global timer from a method of a port: %s', (code, expected) => {
  expect(globalTimer.test(code)).toBe(expected);
});

it('no file of src writes to the console', () => {
  expect(linesWith(/\bconsole\s*[.[]/, readSources())).toEqual([]);
});
