import { ERROR_CODES, type ErrorCode, OrchestratorError, serviceFailed } from './errors.js';

/** What an attempt's failure means for the task, the service's circuit and the next attempt. */
export interface Failure {
  readonly error: OrchestratorError;
  /** Another attempt may help. */
  readonly retryable: boolean;
  /** The service could not be reached or broke down; a refusal or a tool-level error is an answer, not that. */
  readonly countsAgainstCircuit: boolean;
  /** The service asked to wait that long, in milliseconds. */
  readonly retryAfterMs: number | null;
}

/**
 * Understands whatever a service threw: an `OrchestratorError`, a plain `{ code, message, retryable, data? }`, an
 * `Error`, or anything at all. Total: never throws.
 */
export function failureOf(cause: unknown, service: string, attempt: number): Failure {
  try {
    return understand(cause, service, attempt);
  } catch {
    // Its getters throw.
    return asFailure(serviceFailed(service, attempt, 'an error that cannot be read'));
  }
}

function understand(cause: unknown, service: string, attempt: number): Failure {
  const copy = cause instanceof OrchestratorError ? copyOf(cause) : null;
  if (copy !== null) return asFailure(copy);
  if (typeof cause !== 'object' || cause === null) return asFailure(serviceFailed(service, attempt, cause));

  const { code, message, retryable, data } = cause as Readonly<Record<string, unknown>>;
  const flag = typeof retryable === 'boolean' ? { retryable } : {};
  const facts = typeof data === 'object' && data !== null ? { ...data } : {};
  if (isErrorCode(code) && typeof message === 'string') {
    return asFailure(new OrchestratorError(code, message, facts, { cause, ...flag }));
  }
  const failed = serviceFailed(service, attempt, cause);
  return asFailure(
    new OrchestratorError(failed.code, failed.message, { ...facts, ...failed.facts }, { cause, ...flag }),
  );
}

/** Read once and under guard: it is needed where nothing may throw. Null for one that is not made as it has to be. */
function copyOf(error: OrchestratorError): OrchestratorError | null {
  const { code, message, facts, retryable, isTransportFault, isRepeatSafe } = error;
  if (!isErrorCode(code) || typeof message !== 'string') return null;
  return new OrchestratorError(
    code,
    message,
    { ...facts },
    {
      cause: error,
      retryable: retryable === true,
      isTransportFault: isTransportFault === true,
      isRepeatSafe: isRepeatSafe === true,
    },
  );
}

function asFailure(error: OrchestratorError): Failure {
  const { retryAfterSeconds } = error.facts;
  return {
    error,
    retryable: error.retryable,
    countsAgainstCircuit: error.isTransportFault,
    retryAfterMs:
      typeof retryAfterSeconds === 'number' && retryAfterSeconds >= 0 ? retryAfterSeconds * 1000 : null,
  };
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}
