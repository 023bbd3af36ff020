import type { ReasoningJob } from './reasoning-answer.js';
import { isConclusion, splitSentences } from './reasoning-logic.js';
import { notFormal } from './reasoning-refusal.js';

/** A task of words, read: an argument to judge at once, or a job for the worker. */
export type Problem = { readonly kind: 'argument'; readonly sentences: readonly string[] } | ReasoningJob;

const MOST_CHARACTERS = 4000;

/** Ways to ask that add nothing; longest first, so that "solve this puzzle" is not read as "solve". */
const PREFIXES = [
  'please, can you, could you, tell me, what is, what are, whats, how much is, how much are',
  'calculate, compute, evaluate, solve, convert, find, work out, the value of, the result of',
  'solve this puzzle, solve the puzzle, puzzle, cryptarithm, the cryptarithm, alphametic, the alphametic',
  'the equation, the equations, equation, equations, the system, the system of equations, system of equations',
  'these equations, this equation, simultaneous equations, the simultaneous equations, arithmetic, math, maths',
]
  .flatMap((line) => line.split(', '))
  .sort((a, b) => b.length - a.length);
const PREFIX = new RegExp(`^(?:${PREFIXES.join('|')})(?![\\p{L}\\d(])[:,]?\\s*`, 'iu');
const LOGIC_PREFIX =
  /^(?:(?:logic|logical argument|argument|formal argument|premises?(?: \d{1,2})?)\s*:)\s*/i;

/** Words that stand for a sign, whatever comes around them. */
const SPOKEN_SIGNS: readonly (readonly [RegExp, string])[] = [
  [/[×·]/g, '*'],
  [/÷/g, '/'],
  [/[−–]/g, '-'],
  [/²/g, '^2'],
  [/³/g, '^3'],
  [/≤/g, '<='],
  [/≥/g, '>='],
  [/\bplus\b/gi, '+'],
  [/\bminus\b/gi, '-'],
  [/\b(?:times|multiplied by)\b/gi, '*'],
  [/\bdivided by\b/gi, '/'],
  [/\bto the power of\b/gi, '^'],
  [/\bsquared\b/gi, '^2'],
  [/\bcubed\b/gi, '^3'],
  [/\bpercent\b/gi, '%'],
  [/\b(?:equals|is equal to)\b/gi, '='],
];

const RELATION = /<=|>=|=|<|>/;
const PUZZLE = /^[A-Z]+(?: *[+*-] *[A-Z]+)* *= *[A-Z]+(?: *[+*-] *[A-Z]+)*$/;
const LETTERS = '[a-zA-Z](?:(?:, ?| and )[a-zA-Z])*';

/**
 * Reads a task by the strict grammar: every word is consumed or the task is refused.
 *
 * @throws OrchestratorError `NOT_FORMAL` naming the words that are not understood and what is accepted.
 */
export function readProblem(task: string): Problem {
  if (task.length > MOST_CHARACTERS) throw notFormal(`the task is longer than ${MOST_CHARACTERS} characters`);
  const asked = stripPrefixes(task.trim().replace(/[’‘]/g, "'"));
  const argument = readArgument(asked);
  if (argument !== undefined) return argument;
  const text = SPOKEN_SIGNS.reduce((spoken, [word, sign]) => spoken.replace(word, sign), asked)
    // "!" is the factorial, not a mark.
    .replace(/[\s.?]+$/, '')
    .replace(/[\s,]+please$/i, '')
    .trim();
  refuseProse(text);
  if (PUZZLE.test(text) && /[A-Z]{2}/.test(text)) return { kind: 'puzzle', equation: text };
  if (RELATION.test(text)) return readEquations(text);
  return { kind: 'arithmetic', expression: readArithmetic(text) };
}

function stripPrefixes(text: string): string {
  let rest = text;
  for (;;) {
    const shorter = rest.replace(/^what's\s+/i, '').replace(PREFIX, '');
    if (shorter === rest) return rest;
    rest = shorter;
  }
}

function readArgument(text: string): Problem | undefined {
  const body = text.replace(LOGIC_PREFIX, '');
  const sentences = splitSentences(body);
  const isArgument = body !== text || sentences.slice(1).some(isConclusion);
  return isArgument ? { kind: 'argument', sentences } : undefined;
}

/** Prose is refused before a worker is woken for it: whatever can be computed holds a number, pi, e or a relation. */
function refuseProse(text: string): void {
  if (text === '') throw notFormal('nothing is left to work out');
  if (/\d|=|<|>/.test(text) || /\b(?:pi|e)\b/.test(text)) return;
  throw notFormal('these are words, not a formal problem', wordsOf(text));
}

function readEquations(text: string): ReasoningJob {
  const { body, asked } = splitAsked(text);
  const equations = body
    .split(/,|;|\n|\band\b/)
    .map((equation) => equation.trim())
    .filter((equation) => equation !== '');
  equations.forEach(refuseLookalikes);
  const words = equations.flatMap(wordsOf).filter((word) => word.length > 1);
  if (words.length > 0) throw notFormal('unknowns are single letters', words);
  const unknowns = [...new Set(equations.flatMap((equation) => equation.match(/[a-zA-Z]/g) ?? []))];
  const constants = unknowns.filter((letter) => letter === 'e' || letter === 'i');
  if (constants.length > 0) throw notFormal('"e" and "i" are constants; use other letters', constants);
  if (unknowns.length === 0) throw notFormal('the equation holds no unknown', [text]);
  const missing = asked === undefined ? [] : unknowns.filter((letter) => !asked.includes(letter));
  const strange = asked?.filter((letter) => !unknowns.includes(letter)) ?? [];
  if (missing.length + strange.length > 0) {
    throw notFormal('the letters after "for" must be all unknowns of the equations', [
      ...missing,
      ...strange,
    ]);
  }
  return { kind: 'equations', equations, unknowns: unknowns.sort() };
}

/** Takes "for x:" before or "for x and y" after the equations away. */
function splitAsked(text: string): { body: string; asked: string[] | undefined } {
  const before = new RegExp(`^(?:for (${LETTERS}) *[:,]|(${LETTERS}) *:) *(.+)$`, 's').exec(text);
  const after = new RegExp(`^(.+?),? for (${LETTERS})$`, 's').exec(text);
  const body = before?.[3] ?? after?.[1] ?? text;
  const letters = before?.[1] ?? before?.[2] ?? after?.[2];
  return { body, asked: letters?.split(/, ?| and /) };
}

function readArithmetic(text: string): string {
  refuseLookalikes(text);
  const percent = /^(\d[\d.]*) ?% of (\d[\d.]*(?: [a-zA-Z]+)?|\(.+\))$/i.exec(text);
  if (percent)
    return `${percent[1]} / 100 * ${/^\d.* /.test(percent[2] ?? '') ? `(${percent[2]})` : percent[2]}`;
  if (text.includes('%')) throw notFormal('percent stands alone as "N% of M"', ['%']);
  const count = /^how many (\p{L}+) (?:are (?:there )?)?in (.+)$/iu.exec(text);
  return (count ? `${count[2]} to ${count[1]}` : text).replace(/ into /gi, ' to ');
}

/** Signs between digits that may be a date, a time or a telephone number rather than arithmetic. */
function refuseLookalikes(text: string): void {
  const looks = [
    /\d+-\d+-\d[\d-]*/, // 2024-12-25, 1-800-555
    /\b(?:19|20)\d\d-(?:0\d|1[0-2])\b/,
    /\b\d{3}-\d{4}\b/, // 555-1234
    /\b\d{1,4}\/\d{1,2}\/\d{2,4}\b/, // 3/4/2025
    /\d:\d+/,
    /\d,\d{3}(?!\d)(?![^([]*[)\]])/, // 1,000 outside a list
    /!!/,
  ].flatMap((pattern) => pattern.exec(text)?.[0] ?? []);
  if (looks.length === 0) return;
  throw notFormal('this may be a date, a time, a telephone number or a grouped number', looks);
}

function wordsOf(text: string): string[] {
  return text.match(/\p{L}[\p{L}'-]*/gu) ?? [];
}
