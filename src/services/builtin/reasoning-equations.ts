import type { BigNumber, ConstantNode, MathNode, OperatorNode, SymbolNode } from 'mathjs';
import type { ReasoningAnswer, ReasoningNumber } from './reasoning-answer.js';
import { math, parseExpression, refuseUnclearDivision, showNode } from './reasoning-math.js';
import { notFormal } from './reasoning-refusal.js';
import { type Solution, type Solver, statusOf } from './reasoning-solver.js';

const MOST_EQUATIONS = 20;
const MOST_UNKNOWNS = 10;
/** More than any polynomial of the grammar has; a system that still has solutions left is called not unique. */
const MOST_SOLUTIONS = 9;
const HIGHEST_EXPONENT = 8;
/** How far the two sides may lie apart after substitution, relative to their size. */
const TOLERANCE = '1e-20';

const SIGNS = ['=', '<', '<=', '>', '>='] as const;
type Sign = (typeof SIGNS)[number];

interface Relation {
  readonly sign: Sign;
  readonly left: MathNode;
  readonly right: MathNode;
}

/**
 * Solves equations and inequalities over the real numbers, and checks every solution by substitution.
 *
 * @param unknowns - The single letters that occur in the equations.
 * @throws OrchestratorError `NOT_FORMAL` outside + - * / and whole exponents 1 to 8.
 */
export async function answerEquations(
  equations: readonly string[],
  unknowns: readonly string[],
  openSolver: () => Promise<Solver>,
): Promise<ReasoningAnswer> {
  if (equations.length > MOST_EQUATIONS) throw notFormal(`more than ${MOST_EQUATIONS} equations`);
  if (unknowns.length > MOST_UNKNOWNS) throw notFormal(`more than ${MOST_UNKNOWNS} unknowns`, unknowns);
  const relations = equations.map(readRelation);
  const smtlib = toSmtlib(relations, unknowns);
  const solver = await openSolver();
  const found = await solver.enumerate({
    smtlib,
    unknowns,
    sort: 'Real',
    most: MOST_SOLUTIONS,
  });
  for (const solution of found.solutions) checkBySubstitution(relations, solution);
  return {
    method: 'equations',
    formal: relations
      .map(({ sign, left, right }) => `${showNode(left)} ${sign} ${showNode(right)}`)
      .join(', '),
    ...statusOf(found, (solution) =>
      Object.fromEntries([...solution].map(([name, { shown }]) => [name, shown])),
    ),
  };
}

function readRelation(equation: string): Relation {
  const parts = equation.split(/(<=|>=|=|<|>)/).map((part) => part.trim());
  const [left, sign, right] = parts;
  if (parts.length !== 3 || !left || !right) {
    throw notFormal('each equation has two sides and one sign between them', [equation]);
  }
  return { sign: sign as Sign, left: parseExpression(left), right: parseExpression(right) };
}

/** z3 reads x / 0 as some number, so each divisor is asserted not to be zero. */
function toSmtlib(relations: readonly Relation[], unknowns: readonly string[]): string {
  const divisors: string[] = [];
  const claims = relations.map(
    ({ sign, left, right }) => `(${sign} ${toTerm(left, divisors)} ${toTerm(right, divisors)})`,
  );
  const guards = divisors.map((divisor) => `(not (= ${divisor} 0.0))`);
  return [
    ...unknowns.map((name) => `(declare-const ${name} Real)`),
    ...[...guards, ...claims].map((claim) => `(assert ${claim})`),
  ].join('\n');
}

const TERMS: Readonly<Record<string, string>> = { add: '+', subtract: '-', multiply: '*', divide: '/' };

/** One term of SMT-LIB; adds what it divides by to `divisors`. */
function toTerm(node: MathNode, divisors: string[]): string {
  switch (node.type) {
    case 'ConstantNode':
      return toDecimal((node as ConstantNode).value, node);
    case 'SymbolNode':
      return (node as SymbolNode).name;
    case 'ParenthesisNode':
      return toTerm((node as MathNode & { content: MathNode }).content, divisors);
    case 'OperatorNode':
      return operatorToTerm(node as OperatorNode, divisors);
    default:
      throw notFormal('equations hold numbers, single letters, + - * / and ^ only', [node.toString()]);
  }
}

function operatorToTerm(node: OperatorNode, divisors: string[]): string {
  refuseUnclearDivision(node);
  const [first, second] = node.args;
  if (first === undefined) throw notFormal('an operator without operand', [node.toString()]);
  if (node.fn === 'unaryPlus') return toTerm(first, divisors);
  if (node.fn === 'unaryMinus') return `(- ${toTerm(first, divisors)})`;
  if (second === undefined) throw notFormal('equations hold + - * / and ^ only', [node.op]);
  if (node.fn === 'pow') return `(^ ${toTerm(first, divisors)} ${toExponent(second)})`;
  const sign = TERMS[node.fn];
  if (sign === undefined) throw notFormal('equations hold + - * / and ^ only', [node.op]);
  const right = toTerm(second, divisors);
  if (sign === '/') divisors.push(right);
  return `(${sign} ${toTerm(first, divisors)} ${right})`;
}

function toExponent(node: MathNode): number {
  const value = node.type === 'ConstantNode' ? Number((node as ConstantNode).value) : Number.NaN;
  if (Number.isInteger(value) && value >= 1 && value <= HIGHEST_EXPONENT) return value;
  throw notFormal(`exponents are whole numbers from 1 to ${HIGHEST_EXPONENT}`, [node.toString()]);
}

function toDecimal(value: unknown, node: MathNode): string {
  if (!math.isBigNumber(value) || !value.isFinite()) throw notFormal('this is no number', [node.toString()]);
  const digits = value.toFixed();
  return digits.includes('.') ? digits : `${digits}.0`;
}

/** The solver's word is not taken for it. */
function checkBySubstitution(relations: readonly Relation[], solution: Solution): void {
  const scope = Object.fromEntries([...solution].map(([name, { digits }]) => [name, toBigNumber(digits)]));
  for (const { sign, left, right } of relations) {
    const [a, b] = [left.evaluate(scope), right.evaluate(scope)] as [BigNumber, BigNumber];
    const slack = math.bignumber(1).plus(a.abs()).plus(b.abs()).times(TOLERANCE);
    const gap = a.minus(b);
    const isMet =
      sign === '=' ? gap.abs().lte(slack) : sign.startsWith('<') ? gap.lte(slack) : gap.gte(slack.neg());
    if (!isMet)
      throw new Error(`the solution of ${showNode(left)} ${sign} ${showNode(right)} fails its check`);
  }
}

function toBigNumber(digits: ReasoningNumber): BigNumber {
  const [numerator = '0', denominator = '1'] = String(digits).split('/');
  return math.bignumber(numerator).div(denominator);
}
