import { messageOf, OrchestratorError } from '../core/errors.js';
import type { Redactor } from '../core/redactor.js';
import { readRetryAfter } from './retry-after.js';

const LONGEST_REMARK = 300;

/** What the errors of a model server need to know of a call. */
export interface ModelCall {
  /** Where the call went, without secrets. */
  readonly address: string;
  /** Knows the key and the headers: a server or a library may repeat them. */
  readonly redactor: Redactor;
}

/**
 * The error of an HTTP answer that is none: 408, 429 and 5xx are retryable, with `retryAfterSeconds` when the server
 * says so; 401 and 403 are `SERVICE_AUTH_REQUIRED`; the rest is `SERVICE_FAILED` and final. `facts.status` has the status.
 *
 * @param body - The beginning of the answer's body.
 * @param nowMs - Epoch milliseconds, for a `Retry-After` that is a date.
 */
export function httpFailure(
  call: ModelCall,
  response: Response,
  body: string,
  nowMs: number,
): OrchestratorError {
  const { status } = response;
  const remark = remarkOf(body, call.redactor);
  const said = remark === '' ? '' : `: ${remark}`;
  const facts = { status, address: call.address };
  if (status === 401 || status === 403) {
    const message = `The model server ${call.address} refuses the credentials (HTTP ${status})${said}; set a valid apiKey.`;
    return new OrchestratorError('SERVICE_AUTH_REQUIRED', message, facts);
  }
  const retryable = status === 408 || status === 429 || status >= 500;
  const advice = retryable ? 'try again later' : 'check baseURL, model and the request';
  const message = `The model server ${call.address} answered HTTP ${status}${said}; ${advice}.`;
  const retryAfterSeconds = retryable ? readRetryAfter(response.headers, nowMs) : undefined;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    retryAfterSeconds === undefined ? facts : { ...facts, retryAfterSeconds },
    { retryable },
  );
}

/** The error of a call that got no answer, or lost it half-way; retryable. */
export function connectionFailure(call: ModelCall, cause: unknown): OrchestratorError {
  const reason = reasonOf(cause);
  const message = `The model server ${call.address} cannot be reached or broke off (${reason}); see that it runs.`;
  return new OrchestratorError('SERVICE_FAILED', message, { address: call.address }, { cause });
}

/** The error of an answer that is not of the protocol: another attempt would bring the same. */
export function protocolFailure(call: ModelCall, what: string, cause?: unknown): OrchestratorError {
  const message = `The model server ${call.address} ${what}; check that baseURL is that of an OpenAI-compatible server (it usually ends in /v1).`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { address: call.address },
    { cause, retryable: false },
  );
}

/** The error that a server sends inside its stream, after a status of 200. */
export function streamFailure(call: ModelCall, error: unknown): OrchestratorError {
  const remark = remarkOf(JSON.stringify({ error }), call.redactor);
  const message = `The model server ${call.address} broke off its answer: ${remark || 'no reason given'}; try again later.`;
  return new OrchestratorError('SERVICE_FAILED', message, { address: call.address });
}

/** What a server says of its error, in the forms that OpenAI, Ollama and llama.cpp use; plain text as it is. */
function remarkOf(body: string, redactor: Redactor): string {
  let remark = body;
  try {
    const { error, message } = JSON.parse(body) as { error?: unknown; message?: unknown };
    const inner = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
    remark = String(inner ?? message ?? body);
  } catch {
    // Not JSON: the text itself, unless it is a page.
    if (/^\s*</.test(body)) return '';
  }
  // Before it is cut: half a secret would not be recognised.
  return redactor.text(remark.trim()).slice(0, LONGEST_REMARK);
}

/** fetch says "fetch failed"; the reason is its cause, ECONNREFUSED say. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error ? cause.cause : undefined;
  if (inner instanceof Error) return 'code' in inner ? String(inner.code) : messageOf(inner);
  return messageOf(cause);
}
