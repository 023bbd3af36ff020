/** What services behind an address say when something is wrong, so that the texts are read together. */

import { OrchestratorError } from '../core/errors.js';
import { readRetryAfter } from './retry-after.js';
import { saidError } from './said-error.js';

/**
 * The error of a status that is none of success: 408, 429 and 5xx are retryable, with `retryAfterSeconds` when the server
 * says so; 401 and 403 are `SERVICE_AUTH_REQUIRED`; the rest is the service's own answer and final.
 *
 * @param said - What the body says of the error, if anything.
 */
export function httpStatusFailure(
  url: URL,
  response: Response,
  said: unknown,
  nowMs: number,
): OrchestratorError {
  const { status } = response;
  const facts = { status, address: shown(url) };
  const words = said === undefined ? null : saidError(said, `service at ${shown(url)}`, facts);
  const because = words === null ? '' : `: ${words.message}`;
  if (status === 401 || status === 403) {
    const message = `${shown(url)} refuses the credentials (HTTP ${status})${because}; set a valid header.`;
    return new OrchestratorError('SERVICE_AUTH_REQUIRED', message, facts);
  }
  const isPassing = status === 408 || status === 429 || status >= 500;
  if (!isPassing && words !== null) return words;
  const retryAfterSeconds = isPassing ? readRetryAfter(response.headers, nowMs) : undefined;
  const advice = isPassing ? 'try again later' : 'check the address and the task';
  const message = `${shown(url)} answered HTTP ${status}${because}; ${advice}.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { ...words?.facts, ...facts, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
    // 429 is an answer of a service that lives.
    { retryable: isPassing, isTransportFault: isPassing && status !== 429 },
  );
}

/** `SERVICE_FAILED`, retryable: nothing was sent. */
export function notReached(url: URL, reason: string, cause: unknown): OrchestratorError {
  const message = `${shown(url)} cannot be reached (${reason}); see that the service runs and the address is right.`;
  return new OrchestratorError('SERVICE_FAILED', message, { address: shown(url), reason }, { cause });
}

/** `CRASHED`: the connection broke after the task was sent. */
export function brokeOff(url: URL, reason: string, cause: unknown): OrchestratorError {
  const message = `${shown(url)} broke off in the middle of the task (${reason}); see whether the service runs and what it has done.`;
  return new OrchestratorError('CRASHED', message, { address: shown(url), reason }, { cause });
}

/** `SERVICE_FAILED`, final: the task and its headers go nowhere but to the configured origin. */
export function redirectRefused(url: URL, status: number, target: URL | null): OrchestratorError {
  const where = target === null ? 'nowhere' : shown(target);
  const message = `${shown(url)} redirects to ${where} (HTTP ${status}), where tasks are not sent; set the final address as "url".`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { address: shown(url), status },
    { retryable: false, isTransportFault: false },
  );
}

/** `SERVICE_FAILED`, final: another attempt would bring the same. */
export function unreadableAnswer(url: URL, cause: unknown): OrchestratorError {
  const message = `${shown(url)} said it answers with JSON but did not; mend the service or its content-type.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { address: shown(url) },
    { cause, retryable: false, isTransportFault: false },
  );
}

/** Without credentials, query and fragment, which may hold secrets. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
