import type { OrchestratorError } from '../../core/errors.js';
import type { FromIsolate, ToIsolate } from './messages.js';

/** A thread or process that runs jobs, one at a time. */
export interface Isolate {
  /** Told of each message that comes out. */
  onMessage: (message: FromIsolate) => void;
  /** Told once, before `gone` resolves. A slot, not a list: one of these may serve a million jobs. */
  onGone: (reason: OrchestratorError) => void;
  /** Resolves, with the reason, once nothing of it runs any more. Never rejects. */
  readonly gone: Promise<OrchestratorError>;
  /** It was told to end; otherwise its end is a crash. */
  readonly isEnding: boolean;
  /** How long code that was told to abort may go on before `end()`, in milliseconds. */
  readonly abortGraceMs: number;
  /** Bytes of output of this job that were not passed on. */
  readonly droppedBytes: number;
  /** Hands a message over. Throws when it cannot be copied. */
  post(message: ToIsolate): void;
  /** Whether it keeps this process alive. */
  keepAlive(isKept: boolean): void;
  /** Ends it by force if need be: a thread at once, a process after `graceMs`. Resolves as `gone` does. */
  end(graceMs: number): Promise<OrchestratorError>;
}

/** An attempt that was given up is over within that time, in milliseconds; under a second with room for the machine. */
export const GIVE_UP_MS = 600;
