import { OrchestratorError } from '../../src/core/errors.js';
import type { Cause, Value } from './behaviour.js';

/** A value that a service answers with. */
export function answerOf(value: Value, task: string): unknown {
  switch (value) {
    case 'text':
      return task;
    case 'undefined':
      return undefined;
    case 'null':
      return null;
    case 'huge':
      return 'x'.repeat(2000);
    case 'cycle': {
      const cycle: Record<string, unknown> = { task };
      cycle.self = cycle;
      return cycle;
    }
    case 'revoked': {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return { inner: proxy };
    }
    case 'function':
      return () => task;
  }
}

/** Something that a service throws or rejects with. */
export function causeOf(cause: Cause, retryAfterMs: number | null): unknown {
  const unreadable = {
    get(): never {
      throw new Error('cannot be read');
    },
  };
  switch (cause) {
    case 'error':
      return new Error('down');
    case 'undefined':
      return undefined;
    case 'null':
      return null;
    case 'text':
      return 'just a text';
    case 'hostile':
      return Object.defineProperties({}, { message: unreadable, code: unreadable });
    case 'hostileError':
      return Object.defineProperty(new OrchestratorError('SERVICE_FAILED', 'down'), 'message', unreadable);
    case 'refusal':
      return new OrchestratorError('NEEDS_INPUT', 'Name a file.');
    case 'notRetryable':
      return Object.assign(new Error('no'), { retryable: false });
    case 'crashed':
      return { code: 'CRASHED', message: 'the process died' };
    case 'tooMany':
    case 'busy503': {
      const data = { status: cause === 'tooMany' ? 429 : 503, retryAfterSeconds: (retryAfterMs ?? 0) / 1000 };
      return { code: 'SERVICE_FAILED', message: 'later', retryable: true, data };
    }
  }
}
