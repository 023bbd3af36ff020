import { OrchestratorError } from '../../core/errors.js';

/** What the grammar accepts, one example each; part of every refusal, so that a caller can say it again. */
const ACCEPTED = [
  'arithmetic with an operation: "12% of 80", "2^64 + 1", "sqrt(16) * 3"',
  'units: "5 miles to km"',
  'equations in single letters (not e, i): "x + y = 35 and 2x + 4y = 94"',
  'letter puzzles: "SEND + MORE = MONEY"',
  'arguments: "If it rains then the ground is wet. It rains. Therefore the ground is wet"',
  'kwargs: { premises: string[], conclusion: string } or { smtlib: string }',
] as const;

const MOST_WORDS = 12;

/**
 * The refusal of everything outside the strict grammar.
 *
 * @param why - What is wrong, for people, without a full stop.
 * @param words - The words or signs that could not be formalised, as the caller wrote them.
 */
export function notFormal(why: string, words: readonly string[] = []): OrchestratorError {
  const named = [...new Set(words)].slice(0, MOST_WORDS);
  const which = named.length === 0 ? '' : ` (${named.map((word) => `"${word}"`).join(', ')})`;
  const message = `This cannot be formalised: ${why}${which}. Nothing is guessed; accepted are ${ACCEPTED.join('; ')}.`;
  return new OrchestratorError('NOT_FORMAL', message, { words: named, accepted: ACCEPTED });
}
