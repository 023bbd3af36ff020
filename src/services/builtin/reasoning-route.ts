import { OrchestratorError } from '../../core/errors.js';
import type { RouteCandidate } from '../../core/route.js';
import { readProblem } from './reasoning-grammar.js';

/** Near certain: every word of the task was understood. */
const CONFIDENCE = 0.95;

/**
 * A strategy for the built-in service `reasoning`: a task that its strict grammar reads is its own, whatever the words
 * are ("What is 7 * 6?" has none to match). Says nothing about any other task.
 */
export function routeFormal(task: string, availableServices: readonly string[]): readonly RouteCandidate[] {
  const kind = availableServices.includes('reasoning') ? kindOf(task) : null;
  if (kind === null) return [];
  const reasons = [{ kind: 'custom', note: `reads as ${kind}` }] as const;
  return [{ service: 'reasoning', confidence: CONFIDENCE, reasons }];
}

/** A number and two units. */
const CONVERSION = /^-?[\d.]+(?:e[+-]?\d+)? *[a-z]+(?:\/[a-z]+)? to [a-z]+(?:\/[a-z]+)?$/i;
/** Words that stand in an expression without being units: functions before their bracket, constants, `mod`. */
const KNOWN_WORDS = /\b(?:[a-z]\w*(?=\()|pi|e|mod)\b/gi;

function kindOf(task: string): string | null {
  try {
    const problem = readProblem(task);
    return problem.kind === 'arithmetic' && !isSurelyArithmetic(problem.expression) ? null : problem.kind;
  } catch (cause) {
    if (cause instanceof OrchestratorError) return null;
    throw cause;
  }
}

/** The grammar leaves unknown words to the worker; a route must not wait for that. */
function isSurelyArithmetic(expression: string): boolean {
  if (CONVERSION.test(expression)) return true;
  const rest = expression.replace(KNOWN_WORDS, '');
  return /\d/.test(rest) && /[-+*/^!(]|mod/.test(expression) && !/[a-z]/i.test(rest);
}
