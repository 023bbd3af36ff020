import type { BigNumber, ConstantNode, FunctionNode, MathNode, OperatorNode, SymbolNode, Unit } from 'mathjs';
import { messageOf, OrchestratorError } from '../../core/errors.js';
import type { ReasoningAnswer } from './reasoning-answer.js';
import {
  guardNode,
  looksExact,
  math,
  parseExpression,
  refuseUnclearDivision,
  showNode,
  showNumber,
} from './reasoning-math.js';
import { exactValue, toDecimal } from './reasoning-rational.js';
import { notFormal } from './reasoning-refusal.js';

/** Pure functions of numbers. `log` needs its base: whether log(100) is 2 or 4.6 depends on the reader. */
const FUNCTIONS = new Set(
  [
    'sqrt cbrt nthRoot abs sign ceil floor round fix exp ln log log2 log10 pow hypot square cube',
    'sin cos tan asin acos atan atan2 sinh cosh tanh',
    'min max sum prod mean median std variance mode gcd lcm factorial combinations permutations',
    'det inv transpose dot cross norm trace',
  ].flatMap((line) => line.split(' ')),
);
const ARITY_OF_LOGARITHM = new Map([
  ['log', 2],
  ['ln', 1],
]);
const ANGLED = new Set('sin cos tan asin acos atan atan2'.split(' '));
const OPERATORS = new Set(
  'add subtract multiply divide pow factorial mod unaryMinus unaryPlus to'.split(' '),
);
/** Smaller than any result of rounded arithmetic that still has digits of its own. */
const RESIDUE = '1e-200';
const CONSTANTS = new Set(['pi', 'e']);

/**
 * Works out one expression of numbers and units: exactly where its digits end, rounded where they do not. Angles
 * without a unit are radians.
 *
 * @throws OrchestratorError `NOT_FORMAL` for anything but allowed signs, functions and units, an expression without
 * an operation, and a value that is not real and finite.
 */
export function answerArithmetic(expression: string): ReasoningAnswer {
  const unknown = wordsOf(expression).filter((word) => !isKnownWord(word));
  if (unknown.length > 0) throw notFormal('these are no numbers, functions or units', unknown);
  const tree = parseExpression(expression);
  const reader = { operations: 0, isAngled: false, strange: [] as string[] };
  checkNode(tree, reader);
  if (reader.strange.length > 0) throw notFormal('these are no numbers, functions or units', reader.strange);
  if (reader.operations === 0) throw notFormal('there is no operation to carry out', [expression]);
  const formal = showNode(tree);
  const exact = exactValue(tree);
  if (exact !== undefined) {
    const { decimal, ends } = toDecimal(exact);
    const { value, isExact } = showNumber(decimal, ends);
    return { method: 'arithmetic', formal, status: isExact ? 'exact' : 'rounded', result: value };
  }
  const value = evaluate(tree, expression);
  const isInRadians = reader.isAngled && !/\b(?:deg|degrees?|rad|radians?|grad)\b/.test(formal);
  return {
    ...show(value, expression, reader.isAngled),
    formal: isInRadians ? `${formal} (angles in radians)` : formal,
  };
}

/** Names in an expression; the exponent of 1e3 is none. */
function wordsOf(expression: string): string[] {
  const tokens = expression.matchAll(/\d[\d.]*(?:e[+-]?\d+)?|(\p{L}[\p{L}\d_]*)/giu);
  return [...tokens].flatMap(([, word]) => word ?? []);
}

function isKnownWord(word: string): boolean {
  return FUNCTIONS.has(word) || ['to', 'in', 'mod'].includes(word) || isKnownSymbol(word);
}

function isKnownSymbol(name: string): boolean {
  return CONSTANTS.has(name) || math.Unit.isValuelessUnit(name);
}

interface Reader {
  operations: number;
  isAngled: boolean;
  readonly strange: string[];
}

/** Walks the tree; anything not named here is refused, mathjs's strings, ranges, matrices by index and units apart. */
function checkNode(node: MathNode, reader: Reader): void {
  switch (node.type) {
    case 'ConstantNode':
      if (!math.isBigNumber((node as ConstantNode).value)) reader.strange.push(node.toString());
      return;
    case 'SymbolNode':
      if (!isKnownSymbol((node as SymbolNode).name)) reader.strange.push(node.toString());
      return;
    case 'OperatorNode':
      checkOperator(node as OperatorNode, reader);
      break;
    case 'FunctionNode':
      checkFunction(node as FunctionNode, reader);
      // Not its name, which is a node of its own.
      for (const argument of (node as FunctionNode).args) checkNode(argument, reader);
      return;
    case 'ParenthesisNode':
    case 'ArrayNode':
      break;
    default:
      reader.strange.push(node.toString());
      return;
  }
  node.forEach((child) => {
    checkNode(child, reader);
  });
}

function checkFunction(node: FunctionNode, reader: Reader): void {
  const name = node.fn.type === 'SymbolNode' ? node.fn.name : node.fn.toString();
  if (!FUNCTIONS.has(name)) {
    reader.strange.push(name);
    return;
  }
  if (node.args.length !== ARITY_OF_LOGARITHM.get(name) && ARITY_OF_LOGARITHM.has(name)) {
    throw notFormal('log needs its base: log(100, 10), log10(100), log2(8) or ln(2)', [node.toString()]);
  }
  reader.operations += 1;
  reader.isAngled ||= ANGLED.has(name);
}

function checkOperator(node: OperatorNode, reader: Reader): void {
  if (!OPERATORS.has(node.fn) || node.op === '%') {
    reader.strange.push(node.op);
    return;
  }
  refuseUnclearDivision(node);
  if (!node.implicit && node.fn !== 'unaryMinus' && node.fn !== 'unaryPlus') reader.operations += 1;
}

function evaluate(tree: MathNode, expression: string): unknown {
  try {
    return guardNode(tree).compile().evaluate();
  } catch (error) {
    if (error instanceof OrchestratorError) throw error;
    throw notFormal(messageOf(error), [expression]);
  }
}

type Shown = Pick<ReasoningAnswer, 'method' | 'status' | 'result'>;

function show(value: unknown, expression: string, isAngled: boolean): Shown {
  if (math.isUnit(value)) return showUnit(value, expression);
  // sin(pi) leaves what pi lacks.
  const residue = isAngled ? RESIDUE : 0;
  const toJson = (part: unknown): unknown => {
    if (math.isMatrix(part)) return toJson(part.valueOf());
    if (Array.isArray(part)) return part.map(toJson);
    const number = finite(part, expression);
    return number.abs().lt(residue) ? 0 : showNumber(number, false).value;
  };
  return { method: 'arithmetic', status: 'rounded', result: toJson(value) };
}

function showUnit(unit: Unit, expression: string): Shown {
  const { value, unit: name } = unit.toJSON() as { value: unknown; unit: string };
  const number = finite(value, expression);
  const shown = showNumber(number, looksExact(number));
  return {
    method: 'units',
    status: shown.isExact ? 'exact' : 'rounded',
    result: { value: shown.value, unit: name },
  };
}

function finite(value: unknown, expression: string): BigNumber {
  const number = typeof value === 'number' ? math.bignumber(value) : value;
  if (math.isBigNumber(number) && number.isFinite()) return number;
  throw notFormal('this has no finite real value', [expression]);
}
