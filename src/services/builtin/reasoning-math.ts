/**
 * The one fenced mathjs of the worker. Two fences: the readers of `reasoning-arithmetic.ts` and
 * `reasoning-equations.ts` walk the parsed tree and allow only what they know; and the functions of mathjs that reach
 * its parser or its own tables are switched off here, so that a gap in the first fence opens nothing.
 */
import {
  all,
  type BigNumber,
  create,
  type FunctionNode,
  type MathJsInstance,
  type MathNode,
  type MathType,
  type OperatorNode,
} from 'mathjs';
import type { ReasoningNumber } from './reasoning-answer.js';
import { notFormal } from './reasoning-refusal.js';

/** Significant digits while computing; what comes out is rounded to fewer, so that 1/3 * 3 is 1. */
const PRECISION = 256;
const SHOWN_DIGITS = 200;
const GUARDED_DIGITS = 240;

export const math: MathJsInstance = create(all ?? {}, { number: 'BigNumber', precision: PRECISION });
const parseText = math.parse;

// Sums by 256 digits: what is lost in them must not pass for a value.
math.import({
  addGuarded: (a: MathType, b: MathType) => guardSum(a, b, math.add(a, b)),
  subtractGuarded: (a: MathType, b: MathType) => guardSum(a, b, math.subtract(a, b)),
});

const OFF = 'import createUnit evaluate parse simplify derivative resolve reviver'.split(' ');
const refuse = () => {
  throw new Error('switched off');
};
// One call: once `import` itself is replaced, a second would fail.
math.import(Object.fromEntries(OFF.map((name) => [name, refuse])), { override: true });
// `config` is taken from expressions alone: functions such as factorial read their precision from it.
const { mathWithTransform } = math.expression as unknown as { mathWithTransform: Record<string, unknown> };
mathWithTransform.config = refuse;

/**
 * Parses one expression of mathjs.
 *
 * @throws OrchestratorError `NOT_FORMAL` with the parser's own words.
 */
export function parseExpression(text: string): MathNode {
  try {
    return parseText(text);
  } catch (error) {
    throw notFormal(error instanceof Error ? error.message : String(error), [text]);
  }
}

/** The text of a tree with every product visible. */
export function showNode(node: MathNode): string {
  return node.toString({ implicit: 'show', lowerExp: -20, upperExp: 60 });
}

/** 8/2(2+2) is 16 to one reader and 1 to the next. */
export function refuseUnclearDivision(node: OperatorNode): void {
  const [left, right] = node.args;
  const isProduct = (part: MathNode | undefined) =>
    part?.type === 'OperatorNode' && (part as OperatorNode).implicit === true;
  const isQuotient = (part: MathNode | undefined) =>
    part?.type === 'OperatorNode' && (part as OperatorNode).fn === 'divide';
  if ((node.fn === 'divide' && isProduct(right)) || (node.implicit && isQuotient(left))) {
    throw notFormal('a division beside a product without sign; write parentheses', [node.toString()]);
  }
}

/** Makes a tree ready for rounded arithmetic: guarded sums, and `ln` by the name it has in mathjs. */
export function guardNode(node: MathNode): MathNode {
  const guarded = node.map(guardNode);
  if (guarded.type === 'OperatorNode') {
    const { fn, args } = guarded as OperatorNode;
    return fn === 'add' || fn === 'subtract' ? new math.FunctionNode(`${fn}Guarded`, args) : guarded;
  }
  const isLn = guarded.type === 'FunctionNode' && (guarded as FunctionNode).fn.name === 'ln';
  return isLn ? new math.FunctionNode('log', (guarded as FunctionNode).args) : guarded;
}

function guardSum(a: MathType, b: MathType, sum: unknown): unknown {
  if (!math.isBigNumber(a) || !math.isBigNumber(b) || !math.isBigNumber(sum)) return sum;
  if (a.isZero() || b.isZero()) return sum;
  if (Math.abs(a.e - b.e) > SHOWN_DIGITS) {
    throw notFormal('the parts of a sum are too far apart to be added', [a.toPrecision(3), b.toPrecision(3)]);
  }
  // A residue of the working precision, not a value.
  return sum.e < Math.max(a.e, b.e) - SHOWN_DIGITS ? math.bignumber(0) : sum;
}

/** A value as JSON carries it best, and whether no digit of it is lost. */
export interface ShownNumber {
  readonly value: ReasoningNumber;
  readonly isExact: boolean;
}

/**
 * Turns a computed number into JSON: a number where that loses no digit, else its digits; a value that does not end
 * within 200 digits, or is known to be rounded, becomes the nearest number.
 *
 * @param isExact - Whether the value itself is exact; false when it is the result of rounded arithmetic.
 */
export function showNumber(raw: BigNumber, isExact: boolean): ShownNumber {
  if (!isExact || raw.precision() > SHOWN_DIGITS) return { value: showRounded(raw), isExact: false };
  const asNumber = raw.toNumber();
  if (math.bignumber(asNumber).eq(raw) && Math.abs(asNumber) <= Number.MAX_SAFE_INTEGER) {
    return { value: asNumber, isExact };
  }
  return { value: Math.abs(raw.e) > SHOWN_DIGITS ? raw.toString() : raw.toFixed(), isExact };
}

/** Whether a result of rounded arithmetic ends so early that it is taken for exact. */
export function looksExact(raw: BigNumber): boolean {
  return raw.toSignificantDigits(GUARDED_DIGITS).precision() <= SHOWN_DIGITS;
}

function showRounded(raw: BigNumber): ReasoningNumber {
  const guarded = raw.toSignificantDigits(GUARDED_DIGITS);
  const asNumber = guarded.toNumber();
  const isInRange = Number.isFinite(asNumber) && (asNumber !== 0 || guarded.isZero());
  return isInRange ? asNumber : guarded.toPrecision(20);
}
