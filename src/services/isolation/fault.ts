import { ERROR_CODES, type ErrorCode, messageOf, OrchestratorError } from '../../core/errors.js';

/** Whatever was thrown, as plain data that crosses the border of a thread or process. */
export interface Fault {
  readonly message: string;
  readonly name?: string;
  readonly stack?: string;
  readonly code?: string;
  readonly retryable?: boolean;
  readonly isTransportFault?: boolean;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Total: a thrown value may be anything, even an object whose getters throw. */
export function describeFault(cause: unknown): Fault {
  const message = messageOf(cause);
  try {
    if (typeof cause !== 'object' || cause === null) return { message };
    const { name, stack, code, retryable, data } = cause as Readonly<Record<string, unknown>>;
    const facts = cause instanceof OrchestratorError ? cause.facts : data;
    return {
      message,
      ...(typeof name === 'string' && { name }),
      ...(typeof stack === 'string' && { stack }),
      ...(typeof code === 'string' && { code }),
      ...(typeof retryable === 'boolean' && { retryable }),
      ...(cause instanceof OrchestratorError && { isTransportFault: cause.isTransportFault }),
      ...(typeof facts === 'object' && facts !== null && { data: plain(facts) }),
    };
  } catch {
    return { message };
  }
}

/** The thrown value on this side of the border: an `OrchestratorError` when it has a code of ours. */
export function reviveFault(fault: Fault): Error {
  const { code, message, data, retryable, isTransportFault } = fault;
  const error = Object.assign(new Error(message), fault);
  if (code === undefined || !Object.hasOwn(ERROR_CODES, code)) return error;
  const options = {
    cause: error,
    ...(retryable !== undefined && { retryable }),
    ...(isTransportFault !== undefined && { isTransportFault }),
  };
  return new OrchestratorError(code as ErrorCode, message, data, options);
}

/** Facts that cannot be copied are left behind; the error itself is worth more. */
function plain(facts: object): Record<string, unknown> {
  try {
    return structuredClone({ ...facts });
  } catch {
    return {};
  }
}
