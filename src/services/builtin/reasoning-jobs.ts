import { type ErrorCode, messageOf, OrchestratorError } from '../../core/errors.js';
import type { ReasoningAnswer, ReasoningJob } from './reasoning-answer.js';
import type { Solver } from './reasoning-solver.js';

/** An error as it crosses the border of the worker. */
export interface ReasoningFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
}

/**
 * Answers one job of the worker.
 *
 * @param openSolver - The worker's z3; called only by what needs it, once the task is understood.
 * @throws OrchestratorError `NOT_FORMAL`, `INVALID_INPUT` or `MISSING_PACKAGE`.
 */
export async function answerJob(
  job: ReasoningJob,
  openSolver: () => Promise<Solver>,
): Promise<ReasoningAnswer> {
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

/** Any error as plain data; one of ours keeps its code. */
export function describeFault(error: unknown): ReasoningFault {
  if (error instanceof OrchestratorError) {
    const { code, message, facts, retryable } = error;
    return { code, message, facts, retryable };
  }
  return {
    code: 'SERVICE_FAILED',
    message: `The computation failed: ${messageOf(error)}; state the problem in another way.`,
    facts: {},
    retryable: false,
  };
}
