import { randomUUID } from 'node:crypto';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import { internalError } from '../core/errors.js';

/**
 * Runs the body of a request handler. What is our own fault says no more than an error id, which the SDK alone would
 * send with its whole message; the cause goes to the log.
 *
 * @throws ProtocolError whatever went wrong.
 */
export function guardHandler<T>(log: Log, method: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    const { code, message, facts } = internalError(randomUUID(), cause);
    log.error({ method, errorId: facts.errorId, err: cause }, 'MCP request failed');
    throw new ProtocolError(ProtocolErrorCode.InternalError, `${code}: ${message}`);
  }
}
