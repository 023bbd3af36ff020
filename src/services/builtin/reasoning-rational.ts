import type {
  ArrayNode,
  BigNumber,
  ConstantNode,
  Fraction,
  FunctionNode,
  MathNode,
  OperatorNode,
} from 'mathjs';
import { math } from './reasoning-math.js';
import { notFormal } from './reasoning-refusal.js';

/** Larger values are left to rounded arithmetic, which a few digits of theirs are enough for. */
const MOST_DIGITS = 10_000;
const LARGEST_FACTORIAL = 3000;
/** Digits up to which a function of mathjs, computed with 256, is exact. */
const MOST_ARGUMENT_DIGITS = 100;
const MOST_VALUE_DIGITS = 240;

/** Functions whose value is rational when their arguments are. */
const RATIONAL = new Set(
  'abs sign ceil floor round fix min max sum prod mean median gcd lcm combinations permutations square cube'.split(
    ' ',
  ),
);
const ROOTS = new Map([
  ['sqrt', 2],
  ['cbrt', 3],
]);

/**
 * The value of a tree as a fraction, without any rounding; undefined where it is irrational, a unit, an array or too
 * large to be worth its digits.
 */
export function exactValue(node: MathNode): Fraction | undefined {
  switch (node.type) {
    case 'ConstantNode': {
      const { value } = node as ConstantNode;
      return math.isBigNumber(value) ? toFraction(value) : undefined;
    }
    case 'ParenthesisNode':
      return exactValue((node as MathNode & { content: MathNode }).content);
    case 'OperatorNode':
      return operatorValue(node as OperatorNode);
    case 'FunctionNode':
      return functionValue(node as FunctionNode);
    default:
      return undefined;
  }
}

/** The value of a fraction to the working precision, and whether it ends within it. */
export function toDecimal(fraction: Fraction): { decimal: BigNumber; ends: boolean } {
  const decimal = math.bignumber(fraction.n.toString()).div(fraction.d.toString()).times(Number(fraction.s));
  let rest = fraction.d;
  for (const prime of [2n, 5n]) while (rest % prime === 0n) rest /= prime;
  return { decimal, ends: rest === 1n };
}

function operatorValue(node: OperatorNode): Fraction | undefined {
  const [a, b] = node.args.map(exactValue);
  if (a === undefined) return undefined;
  switch (node.fn) {
    case 'unaryPlus':
      return a;
    case 'unaryMinus':
      return a.neg();
    case 'factorial':
      return factorial(a);
  }
  if (b === undefined) return undefined;
  switch (node.fn) {
    case 'add':
      return a.add(b);
    case 'subtract':
      return a.sub(b);
    case 'multiply':
      return a.mul(b);
    case 'divide':
      return b.n === 0n ? undefined : a.div(b);
    case 'pow':
      return power(a, b);
    case 'mod':
      return remainder(a, b);
    default:
      return undefined;
  }
}

function power(base: Fraction, exponent: Fraction): Fraction | undefined {
  const isInteger = exponent.d === 1n;
  const digits = Math.max(digitsOf(base.n), digitsOf(base.d)) * Number(exponent.n);
  if (base.n === 0n && exponent.n === 0n) throw notFormal('readers do not agree on 0 ^ 0', ['0 ^ 0']);
  if (!isInteger || digits > MOST_DIGITS || (base.n === 0n && exponent.s < 0n)) return undefined;
  return base.pow(exponent) ?? undefined;
}

/** With the sign of the divisor: -5 mod 3 is 1. */
function remainder(a: Fraction, b: Fraction): Fraction {
  if (b.n === 0n) throw notFormal('a division by zero leaves no remainder', [`mod ${b.toString()}`]);
  return a.sub(b.mul(a.div(b).floor()));
}

function factorial(of: Fraction): Fraction | undefined {
  if (of.d !== 1n || of.s < 0n || of.n > LARGEST_FACTORIAL) return undefined;
  let product = 1n;
  for (let factor = 2n; factor <= of.n; factor++) product *= factor;
  return math.fraction(product);
}

function functionValue(node: FunctionNode): Fraction | undefined {
  const { name } = node.fn;
  const parts = node.args.flatMap((part) => (part.type === 'ArrayNode' ? (part as ArrayNode).items : [part]));
  const values = parts.map(exactValue).map((value) => value && toArgument(value));
  if (values.length === 0 || values.includes(undefined)) return undefined;
  const known = values as BigNumber[];
  const root = ROOTS.get(name);
  if (root !== undefined) return exactRoot(name, known, root);
  return RATIONAL.has(name) ? toExact(call(name, known)) : undefined;
}

/** A root is rational exactly when its power gives the argument back. */
function exactRoot(name: string, values: readonly BigNumber[], degree: number): Fraction | undefined {
  const root = call(name, values);
  const [value] = values;
  if (!math.isBigNumber(root) || root.precision() > MOST_ARGUMENT_DIGITS / 2 || value === undefined) {
    return undefined;
  }
  return root.pow(degree).eq(value) ? toFraction(root) : undefined;
}

function call(name: string, values: readonly BigNumber[]): unknown {
  const functions = math as unknown as Record<string, (...values: readonly BigNumber[]) => unknown>;
  return functions[name]?.(...values);
}

/** Short enough decimals only: mathjs computes with 256 digits. */
function toArgument(fraction: Fraction): BigNumber | undefined {
  const { decimal, ends } = toDecimal(fraction);
  return ends && decimal.precision() <= MOST_ARGUMENT_DIGITS && Math.abs(decimal.e) <= MOST_ARGUMENT_DIGITS
    ? decimal
    : undefined;
}

function toExact(value: unknown): Fraction | undefined {
  if (!math.isBigNumber(value) || !value.isFinite() || value.precision() > MOST_VALUE_DIGITS)
    return undefined;
  return toFraction(value);
}

function toFraction(value: BigNumber): Fraction | undefined {
  return Math.abs(value.e) > MOST_DIGITS ? undefined : math.fraction(value.toFixed());
}

function digitsOf(value: bigint): number {
  return value.toString().length;
}
