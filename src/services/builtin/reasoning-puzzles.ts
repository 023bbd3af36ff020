import type { ReasoningAnswer } from './reasoning-answer.js';
import { notFormal } from './reasoning-refusal.js';
import { type Solution, type Solver, statusOf } from './reasoning-solver.js';

const MOST_LETTERS = 10;
const MOST_SOLUTIONS = 9;

/**
 * Solves a letter puzzle such as SEND + MORE = MONEY: different letters are different digits, and no number of several
 * digits begins with zero.
 *
 * @param equation - Words of capital letters with + - * and one =.
 * @throws OrchestratorError `NOT_FORMAL` for more than ten letters.
 */
export async function answerPuzzle(
  equation: string,
  openSolver: () => Promise<Solver>,
): Promise<ReasoningAnswer> {
  const words = equation.match(/[A-Z]+/g) ?? [];
  const letters = [...new Set(words.join(''))].sort();
  if (letters.length > MOST_LETTERS) throw notFormal('more letters than digits', letters);
  const solver = await openSolver();
  const found = await solver.enumerate({
    smtlib: toSmtlib(equation, words, letters),
    unknowns: letters.map(nameOf),
    sort: 'Int',
    most: MOST_SOLUTIONS,
  });
  for (const solution of found.solutions) checkBySubstitution(equation, solution);
  return {
    method: 'puzzle',
    formal: `${equation}; different letters are different digits, no leading zero`,
    ...statusOf(found, (solution) =>
      Object.fromEntries(letters.map((letter) => [letter, digitOf(solution, letter)])),
    ),
  };
}

function toSmtlib(equation: string, words: readonly string[], letters: readonly string[]): string {
  const leading = new Set(words.filter((word) => word.length > 1).map((word) => word.charAt(0)));
  const [left = '', right = ''] = equation.split('=');
  return [
    ...letters.map((letter) => `(declare-const ${nameOf(letter)} Int)`),
    ...letters.map((letter) => `(assert (<= ${leading.has(letter) ? 1 : 0} ${nameOf(letter)} 9))`),
    `(assert (distinct ${letters.map(nameOf).join(' ')} 10))`,
    `(assert (= ${sideToTerm(left)} ${sideToTerm(right)}))`,
  ].join('\n');
}

/** Names of their own: single letters could meet a name of the solver's. */
function nameOf(letter: string): string {
  return `digit_${letter}`;
}

/** Sums of products: split at + and - first, at * last. */
function sideToTerm(side: string): string {
  const parts = side.split(/([+-])/);
  return parts.slice(1).reduce(
    (sum, part, index, all) => {
      if (part === '+' || part === '-') return sum;
      return `(${all[index - 1]} ${sum} ${productToTerm(part)})`;
    },
    productToTerm(parts[0] ?? ''),
  );
}

function productToTerm(product: string): string {
  const factors = product.split('*').map((word) => wordToTerm(word.trim()));
  return factors.length === 1 ? factors.join('') : `(* ${factors.join(' ')})`;
}

function wordToTerm(word: string): string {
  const places = [...word].map((letter, place) => `(* ${10 ** (word.length - 1 - place)} ${nameOf(letter)})`);
  return places.length === 1 ? places.join('') : `(+ ${places.join(' ')})`;
}

function checkBySubstitution(equation: string, solution: Solution): void {
  const digits = equation.replace(/[A-Z]/g, (letter) => String(digitOf(solution, letter)));
  const [left, right] = digits.split('=').map(sumOf);
  if (left === undefined || left !== right) throw new Error(`the solution ${digits} fails its check`);
}

function sumOf(side: string): bigint {
  const terms = side.replace(/\s+/g, '').match(/[+-]?[\d*]+/g) ?? [];
  return terms.reduce((sum, term) => {
    const product = term.replace(/^[+-]/, '').split('*').map(BigInt);
    const value = product.reduce((result, factor) => result * factor, 1n);
    return term.startsWith('-') ? sum - value : sum + value;
  }, 0n);
}

function digitOf(solution: Solution, letter: string): number {
  return Number(solution.get(nameOf(letter))?.digits);
}
