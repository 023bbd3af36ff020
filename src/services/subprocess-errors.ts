/** What services over programs say when something is wrong, so that the texts are read together. */

import { OrchestratorError } from '../core/errors.js';
import { endOf } from './text-tail.js';

/** sysexits.h: a failure that passes. */
const EX_TEMPFAIL = 75;

/** `SERVICE_FAILED`: the program itself says that it failed; no fault of its service. */
export function programFailed(program: string, exitCode: number | null, stderr: string): OrchestratorError {
  const said = stderr === '' ? 'it wrote nothing to stderr' : endOf(stderr, 500);
  const message = `"${program}" ended with exit code ${exitCode}: ${said}`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { exitCode, stderr },
    {
      retryable: exitCode === EX_TEMPFAIL,
      isTransportFault: false,
    },
  );
}

/** `RESULT_TOO_LARGE`: more output than is kept; the program was ended. */
export function programTooLoud(program: string, maxOutputBytes: number, preview: string): OrchestratorError {
  const message = `"${program}" wrote more than maxOutputBytes (${maxOutputBytes}) and was ended; let it write less or raise maxOutputBytes.`;
  return new OrchestratorError('RESULT_TOO_LARGE', message, { maxResultBytes: maxOutputBytes, preview });
}

/** `SERVICE_FAILED`: another attempt would bring the same. */
export function programSaidNoJson(program: string, preview: string, cause: unknown): OrchestratorError {
  const message = `"${program}" wrote something that is not JSON; let it write one JSON value, or set output: "text".`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { preview },
    {
      cause,
      retryable: false,
      isTransportFault: false,
    },
  );
}
