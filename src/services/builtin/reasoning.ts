import * as z from 'zod';
import { parseOrMisuse } from '../../core/config.js';
import { OrchestratorError } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';
import type { Service, ServiceContext } from '../../core/service.js';
import { Lazy } from '../lazy.js';
import type { ReasoningAnswer, ReasoningJob } from './reasoning-answer.js';
import { readProblem } from './reasoning-grammar.js';
import { judgeArgument, judgeSentences } from './reasoning-logic.js';
import type { ReasoningPool } from './reasoning-pool.js';

/** Options of the built-in service `reasoning`. */
export const reasoningOptionsSchema = lazySchema(() =>
  z.strictObject({
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(2)
      .describe('Most computations at once; each takes a worker thread, which is kept.'),
    memoryMb: z.number().min(8).default(256).describe('Most heap of a worker, in MiB.'),
    timeLimitSeconds: z
      .number()
      .positive()
      .max(86_400)
      .default(20)
      .describe('Most time for one computation, in seconds.'),
    solverSeconds: z
      .number()
      .positive()
      .max(86_400)
      .default(5)
      .describe('Most time for one check of the equation solver, in seconds; then the answer is "unknown".'),
  }),
);

export type ReasoningOptions = z.input<typeof reasoningOptionsSchema>;

const kwargsSchema = lazySchema(() =>
  z.object({
    premises: z.array(z.string().min(1).max(500)).min(1).max(64).optional(),
    conclusion: z.string().min(1).max(500).optional(),
    smtlib: z.string().min(1).max(100_000).optional(),
  }),
);

/**
 * The built-in service for exact answers: arithmetic, units, equations, letter puzzles and formal arguments, without a
 * language model. A strict grammar consumes every word of the task or refuses it (`NOT_FORMAL`); nothing is guessed.
 * Arguments and SMT-LIB may come as kwargs (`premises` and `conclusion`, or `smtlib`), and the text is then not read.
 *
 * Equations, puzzles and SMT-LIB need the optional package z3-solver (`MISSING_PACKAGE` otherwise).
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example await createReasoningService().execute('What is 12% of 80?', context); // { …, status: 'exact', result: 9.6 }
 */
export function createReasoningService(options: ReasoningOptions = {}): Service {
  const { concurrency, ...limits } = parseOrMisuse(
    reasoningOptionsSchema,
    options,
    'The options of "reasoning"',
  );
  // What starts threads is loaded by the first task that needs one, not at the start.
  const pool = new Lazy(async () => {
    const { ReasoningPool } = await import('./reasoning-pool.js');
    return new ReasoningPool(limits);
  });
  return {
    description:
      'Exact reasoning without a model: arithmetic, percentages, unit conversion, systems of equations, letter puzzles and the validity of formal arguments. Refuses whatever is not formal.',
    capabilities: ['arithmetic', 'unit conversion', 'equation solving', 'constraint puzzles', 'formal logic'],
    examples: [
      'Solve x + y = 35 and 2x + 4y = 94',
      'What is 12% of 80?',
      'Calculate 2^64 + 1',
      'Convert 5 miles to km',
      'Solve this puzzle: SEND + MORE = MONEY',
      'Logic: If it rains then the ground is wet. It rains. Therefore the ground is wet',
      'Compute sqrt(16) * 3 + 5!',
      'Solve the equation x^2 = 2',
      'How many minutes are in 3 days?',
    ],
    concurrency,
    idempotent: true,
    execute: (task, context) => execute(task, context, pool),
    close: async () => (await pool.made)?.close(),
  };
}

async function execute(
  task: string,
  { kwargs, signal }: ServiceContext,
  pool: Lazy<ReasoningPool>,
): Promise<ReasoningAnswer> {
  const run = async (job: ReasoningJob) => (await pool.get()).run(job, signal);
  const { premises, conclusion, smtlib } = readKwargs(kwargs);
  if (premises !== undefined && conclusion !== undefined) return judgeArgument(premises, conclusion);
  if (smtlib !== undefined) return run({ kind: 'smtlib', smtlib });
  const problem = readProblem(task);
  return problem.kind === 'argument' ? judgeSentences(problem.sentences) : run(problem);
}

/** Keys of others (the results of earlier subtasks, say) are left alone. */
function readKwargs(kwargs: Readonly<Record<string, unknown>>): z.output<typeof kwargsSchema> {
  const parsed = kwargsSchema.safeParse(kwargs);
  if (!parsed.success) {
    const message = `The kwargs of "reasoning" are not valid:\n${z.prettifyError(parsed.error)}`;
    throw new OrchestratorError('INVALID_INPUT', message, { reason: 'kwargs' });
  }
  if ((parsed.data.premises === undefined) !== (parsed.data.conclusion === undefined)) {
    const message = 'kwargs.premises and kwargs.conclusion belong together; give both or neither.';
    throw new OrchestratorError('INVALID_INPUT', message, { reason: 'kwargs' });
  }
  return parsed.data;
}
