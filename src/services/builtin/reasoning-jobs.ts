import { messageOf, OrchestratorError } from '../../core/errors.js';
import type { ReasoningAnswer, ReasoningJob } from './reasoning-answer.js';
import type { Solver } from './reasoning-solver.js';

/**
 * Answers one job of the worker.
 *
 * @param openSolver - The worker's z3; called only by what needs it, once the task is understood.
 * @throws OrchestratorError `NOT_FORMAL`, `INVALID_INPUT` or `MISSING_PACKAGE`; `SERVICE_FAILED`, not retryable, for
 * whatever else a library throws.
 */
export async function answerJob(
  job: ReasoningJob,
  openSolver: () => Promise<Solver>,
): Promise<ReasoningAnswer> {
  try {
    return await answer(job, openSolver);
  } catch (cause) {
    throw cause instanceof OrchestratorError ? cause : computationFailed(cause);
  }
}

async function answer(job: ReasoningJob, openSolver: () => Promise<Solver>): Promise<ReasoningAnswer> {
  switch (job.kind) {
    case 'arithmetic': {
      const { answerArithmetic } = await import('./reasoning-arithmetic.js');
      return answerArithmetic(job.expression);
    }
    case 'equations': {
      const { answerEquations } = await import('./reasoning-equations.js');
      return answerEquations(job.equations, job.unknowns, openSolver);
    }
    case 'puzzle': {
      const { answerPuzzle } = await import('./reasoning-puzzles.js');
      return answerPuzzle(job.equation, openSolver);
    }
    case 'smtlib': {
      const { status, model } = await (await openSolver()).check(job.smtlib);
      return { method: 'smtlib', formal: job.smtlib, status, result: model };
    }
  }
}

/** Not retryable: the same computation would fail again. */
function computationFailed(cause: unknown): OrchestratorError {
  const message = `The computation failed: ${messageOf(cause)}; state the problem in another way.`;
  return new OrchestratorError('SERVICE_FAILED', message, {}, { cause, retryable: false });
}
