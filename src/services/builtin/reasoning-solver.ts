/**
 * The one z3 of the worker; the rest of reasoning speaks SMT-LIB to it. z3 checks on threads of its own, which end
 * with the worker: nothing else stops them.
 *
 * The low-level interface is used because memory is given back at once: a context owns all that is made in it and is
 * deleted after each problem. The high-level one leaves that to the garbage collector, which sees only small handles
 * (750 MB after a thousand problems).
 */
import type { Z3_ast, Z3_context, Z3_model, Z3_solver, Z3LowLevel } from 'z3-solver';
import { OrchestratorError } from '../../core/errors.js';
import { importOptional } from '../optional-package.js';
import type { ReasoningAnswer, ReasoningNumber } from './reasoning-answer.js';

/** Decimals asked of an irrational solution. */
const IRRATIONAL_DECIMALS = 40;
/** Most of z3's own memory, which the worker's limit does not see. */
const MEMORY_MB = 512;

/** The value of an unknown: `digits` in full ("1/3", 40 decimals), `shown` as JSON carries it best. */
export interface SolvedNumber {
  readonly digits: string;
  readonly shown: ReasoningNumber;
}

export type Solution = ReadonlyMap<string, SolvedNumber>;

/** What a search found. `isComplete`: there are no other solutions; null when the time ran out first. */
export interface Found {
  readonly solutions: readonly Solution[];
  readonly isComplete: boolean | null;
}

/** A problem in SMT-LIB whose solutions are listed one after another. */
export interface Enumeration {
  /** Declarations and assertions. */
  readonly smtlib: string;
  /** Declared constants that tell one solution from the next. */
  readonly unknowns: readonly string[];
  readonly sort: 'Int' | 'Real';
  /** Most solutions to look for. */
  readonly most: number;
}

export interface Solver {
  enumerate(problem: Enumeration): Promise<Found>;
  /** Checks a text of SMT-LIB; its constants in a model, as JSON, when it is satisfiable. */
  check(
    smtlib: string,
  ): Promise<{ status: 'sat' | 'unsat' | 'unknown'; model: Record<string, unknown> | null }>;
}

type Z3 = Z3LowLevel['Z3'];

/** One problem: a context of its own and the solver in it. */
interface Session {
  readonly z3: Z3;
  readonly context: Z3_context;
  readonly solver: Z3_solver;
}

/**
 * Loads z3-solver and starts it.
 *
 * @param checkTimeoutMs - Limit of one check, after which it is `unknown`.
 * @throws OrchestratorError `MISSING_PACKAGE` when it is not installed.
 */
export async function createSolver(checkTimeoutMs: number): Promise<Solver> {
  const { init } = await importOptional('z3-solver', () => import('z3-solver'));
  // What z3 prints belongs to nobody; stdout may be a protocol's.
  const { Z3: z3 } = await init({ print: () => {}, printErr: () => {} });
  z3.global_param_set('memory_max_size', String(MEMORY_MB));
  const inSession = <T>(smtlib: string, work: (session: Session) => Promise<T>) =>
    withSession(z3, checkTimeoutMs, smtlib, work);
  return {
    enumerate: (problem) => inSession(problem.smtlib, (session) => enumerate(session, problem)),
    check: (smtlib) => inSession(smtlib, check),
  };
}

/** The status of a search and its result as JSON. */
export function statusOf(
  { solutions, isComplete }: Found,
  show: (solution: Solution) => unknown,
): Pick<ReasoningAnswer, 'status' | 'result'> {
  const [first, ...others] = solutions;
  if (isComplete === true) {
    if (first === undefined) return { status: 'none', result: null };
    if (others.length === 0) return { status: 'unique', result: show(first) };
    return { status: `all ${solutions.length}`, result: solutions.map(show) };
  }
  // A few of many would look like the answer.
  const status = isComplete === false || others.length > 0 ? 'not unique' : 'unknown';
  return { status, result: null };
}

async function withSession<T>(
  z3: Z3,
  checkTimeoutMs: number,
  smtlib: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const config = z3.mk_config();
  z3.set_param_value(config, 'timeout', String(checkTimeoutMs));
  const context = z3.mk_context(config);
  z3.del_config(config);
  const solver = z3.mk_solver(context);
  z3.solver_inc_ref(context, solver);
  try {
    z3.solver_from_string(context, solver, smtlib);
    refuseError(z3, context);
    return await work({ z3, context, solver });
  } finally {
    z3.solver_dec_ref(context, solver);
    z3.del_context(context);
  }
}

function refuseError(z3: Z3, context: Z3_context): void {
  const code = z3.get_error_code(context);
  if (code === 0) return;
  const said = z3.get_error_msg(context, code).trim();
  const message = `z3 cannot read the SMT-LIB text: ${said}; correct it and call again.`;
  throw new OrchestratorError('INVALID_INPUT', message, { reason: 'smtlib' });
}

async function enumerate(session: Session, problem: Enumeration): Promise<Found> {
  const { z3, context, solver } = session;
  const sort = problem.sort === 'Int' ? z3.mk_int_sort(context) : z3.mk_real_sort(context);
  const terms = problem.unknowns.map((name) =>
    z3.mk_const(context, z3.mk_string_symbol(context, name), sort),
  );
  const solutions: Solution[] = [];
  for (;;) {
    const status = await checkStatus(session);
    if (status !== 'sat') return { solutions, isComplete: status === 'unsat' ? true : null };
    if (solutions.length === problem.most) return { solutions, isComplete: false };
    const values = withModel(session, (_, model) => terms.map((term) => evaluate(session, model, term)));
    const numbers = values.map((value) => readNumber(session, value));
    solutions.push(new Map(numbers.map((number, index) => [problem.unknowns[index] ?? '', number])));
    // The same again is no further solution.
    const differences = values.map((value, index) =>
      z3.mk_not(context, z3.mk_eq(context, terms[index] ?? value, value)),
    );
    z3.solver_assert(context, solver, z3.mk_or(context, differences));
  }
}

async function check(session: Session): ReturnType<Solver['check']> {
  const status = await checkStatus(session);
  return { status, model: status === 'sat' ? withModel(session, readModel) : null };
}

function readModel(session: Session, model: Z3_model): Record<string, unknown> {
  const { z3, context } = session;
  const count = z3.model_get_num_consts(context, model);
  const entries = Array.from({ length: count }, (_, index) => {
    const declaration = z3.model_get_const_decl(context, model, index);
    const name = z3.get_symbol_string(context, z3.get_decl_name(context, declaration));
    return [name, readValue(session, evaluate(session, model, z3.mk_app(context, declaration, [])))];
  });
  return Object.fromEntries(entries);
}

async function checkStatus({ z3, context, solver }: Session): Promise<'sat' | 'unsat' | 'unknown'> {
  const status = await z3.solver_check_assumptions(context, solver, []);
  return status > 0 ? 'sat' : status < 0 ? 'unsat' : 'unknown';
}

/** Holds the solver's model while it is read: only terms are the context's own. */
function withModel<T>(session: Session, read: (session: Session, model: Z3_model) => T): T {
  const { z3, context, solver } = session;
  const model = z3.solver_get_model(context, solver);
  z3.model_inc_ref(context, model);
  try {
    return read(session, model);
  } finally {
    z3.model_dec_ref(context, model);
  }
}

function evaluate({ z3, context }: Session, model: Z3_model, term: Z3_ast): Z3_ast {
  const value = z3.model_eval(context, model, term, true);
  if (value === null) throw new Error('z3 has no value for a constant of its own model');
  return value;
}

function readValue(session: Session, value: Z3_ast): unknown {
  const { z3, context } = session;
  const truth = z3.get_bool_value(context, value);
  if (truth !== 0) return truth > 0;
  const isNumber =
    z3.is_algebraic_number(context, value) ||
    (z3.is_numeral_ast(context, value) && /^-?\d+(?:\/\d+)?$/.test(z3.get_numeral_string(context, value)));
  return isNumber ? readNumber(session, value).shown : z3.ast_to_string(context, value);
}

function readNumber({ z3, context }: Session, value: Z3_ast): SolvedNumber {
  if (z3.is_algebraic_number(context, value)) {
    const decimals = z3.get_numeral_decimal_string(context, value, IRRATIONAL_DECIMALS);
    // A question mark says that more decimals follow.
    const digits = decimals.replace('?', '');
    return { digits, shown: Number(digits) };
  }
  const digits = z3.get_numeral_string(context, value);
  return { digits, shown: showRational(digits) };
}

/** A number where that is the same number, else the fraction or the digits themselves. */
function showRational(digits: string): ReasoningNumber {
  const [numerator = '0', denominator = '1'] = digits.split('/').map((part) => part.trim());
  const value = Number(numerator) / Number(denominator);
  const isPrecise = [numerator, denominator].every((part) => Number.isSafeInteger(Number(part)));
  if (!isPrecise) return digits;
  // Its shortest decimal form, read back as a fraction, must be the same fraction.
  const [, whole = '', places = ''] = /^(-?\d+)(?:\.(\d{1,12}))?$/.exec(String(value)) ?? [];
  if (whole === '') return digits;
  const isSame =
    BigInt(whole + places) * BigInt(denominator) === BigInt(numerator) * 10n ** BigInt(places.length);
  return isSame ? value : digits;
}
