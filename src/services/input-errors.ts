/** What services say about the files, addresses and arguments they are given, so that the texts are read together. */

import { messageOf, OrchestratorError } from '../core/errors.js';

/** Why an input cannot be used; `facts.reason` of `INVALID_INPUT`. */
export type InputFault =
  | 'arguments'
  | 'unreadable'
  | 'password'
  | 'too-large'
  | 'not-a-file'
  | 'unsupported-type'
  | 'vector-only'
  | 'no-such-page'
  | 'scheme'
  | 'credentials'
  | 'refused-address'
  | 'redirects'
  | 'target';

/** `INVALID_INPUT`; `message` says what is wrong and ends with what to do. */
export function invalidInput(
  reason: InputFault,
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): OrchestratorError {
  const options = cause === undefined ? {} : { cause };
  return new OrchestratorError('INVALID_INPUT', message, { reason, ...facts }, options);
}

/** `INVALID_INPUT` for kwargs that do not fit the service's schema; the cause names the field. */
export function wrongArguments(service: string, cause: unknown): OrchestratorError {
  const message = `The kwargs do not fit "${service}": ${messageOf(cause)}`;
  return invalidInput('arguments', message, { service }, cause);
}

/** `NEEDS_INPUT`; `message` says what to name. */
export function needsInput(
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
): OrchestratorError {
  return new OrchestratorError('NEEDS_INPUT', message, facts);
}

/** `OUTSIDE_ROOT`: says the same whether or not something exists there, and shows the path as given only. */
export function outsideRoot(path: string, roots: readonly string[]): OrchestratorError {
  const message = `"${printable(path)}" is outside the folders that may be read (${roots.join(', ')}); name a file inside them, or add its folder to "roots" in the configuration.`;
  return new OrchestratorError('OUTSIDE_ROOT', message, { path: printable(path), roots });
}

/** `NOT_FOUND`: nothing of that name lies inside the roots. `similar` are paths that may be meant. */
export function notFound(
  path: string,
  roots: readonly string[],
  similar: readonly string[] = [],
): OrchestratorError {
  const advice =
    similar.length === 0
      ? 'check the spelling, or give its path from there'
      : `did you mean ${similar.join(' or ')}?`;
  const message = `There is no "${printable(path)}" in the folders that may be read (${roots.join(', ')}); ${advice}`;
  return new OrchestratorError('NOT_FOUND', message, { path: printable(path), roots, similar });
}

/** `INVALID_INPUT` for a file above the cap. */
export function fileTooLarge(path: string, sizeBytes: number, maxFileBytes: number): OrchestratorError {
  const message = `"${path}" has ${sizeBytes} bytes; at most ${maxFileBytes} are read. Make it smaller or raise maxFileBytes.`;
  return invalidInput('too-large', message, { path, sizeBytes, maxFileBytes });
}

/** A path as it may stand in a message: control characters replaced, at most 200 characters. */
function printable(path: string): string {
  const clean = path.replace(/\p{Cc}/gu, '�');
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}
