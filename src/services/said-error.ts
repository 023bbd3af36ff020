import { ERROR_CODES, type ErrorCode, OrchestratorError } from '../core/errors.js';
import { beginningOf } from './text-tail.js';

/** What another program may say of a task it was given; the other codes are the runtime's own. */
const SAYABLE: ReadonlySet<string> = new Set<ErrorCode>([
  'SERVICE_FAILED',
  'SERVICE_UNAVAILABLE',
  'SERVICE_AUTH_REQUIRED',
  'INVALID_INPUT',
  'NEEDS_ARGUMENTS',
  'NEEDS_INPUT',
  'NOT_FOUND',
  'OUTSIDE_ROOT',
  'NO_MODEL',
  'NOT_FORMAL',
  'NO_SEARCH_PROVIDER',
  'NO_BROWSER',
  'MISSING_PACKAGE',
]);

const LONGEST_MESSAGE = 2000;

/**
 * The error that a program of another language or machine says in words: a text, or `{ code, message, retryable, data }`.
 * It is an answer, so it never counts against the circuit; it is retried only when it says so.
 *
 * @param what - Who said it, for a message without words.
 */
export function saidError(
  said: unknown,
  what: string,
  facts: Readonly<Record<string, unknown>> = {},
): OrchestratorError {
  const fields: Readonly<Record<string, unknown>> =
    typeof said === 'object' && said !== null ? { ...said } : { message: said };
  const { code, message, retryable, data } = fields;
  const words =
    typeof message === 'string' && message !== '' ? message : `The ${what} failed and did not say why.`;
  const known = typeof code === 'string' && SAYABLE.has(code) ? (code as ErrorCode) : 'SERVICE_FAILED';
  const own = typeof data === 'object' && data !== null && !Array.isArray(data) ? data : {};
  const foreign = typeof code === 'string' && known !== code ? { code: code.slice(0, 100) } : {};
  return new OrchestratorError(
    known,
    beginningOf(words, LONGEST_MESSAGE),
    { ...own, ...foreign, ...facts },
    {
      retryable: retryable === true && known in ERROR_CODES,
      isTransportFault: false,
    },
  );
}
