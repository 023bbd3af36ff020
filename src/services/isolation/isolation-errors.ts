/** What services say about modules, threads and processes, so that the texts are read together. */
import { messageOf, OrchestratorError } from '../../core/errors.js';

/** `SERVICE_UNAVAILABLE`, not retryable: the module or its export is missing or is no service. */
export function moduleUnusable(
  module: string,
  exportName: string,
  why: string,
  cause?: unknown,
): OrchestratorError {
  const message = `Export "${exportName}" of module "${module}" cannot be used as a service: ${why}`;
  const options = cause === undefined ? {} : { cause };
  const facts = { module, export: exportName };
  return new OrchestratorError('SERVICE_UNAVAILABLE', message, facts, { ...options, retryable: false });
}

/** `CRASHED`: the thread or process ended in the middle of work. `facts` tell how. */
export function crashed(
  what: string,
  how: string,
  facts: Readonly<Record<string, unknown>>,
  cause?: unknown,
): OrchestratorError {
  const message = `The ${what} died (${how}); the next attempt gets a fresh one.`;
  return new OrchestratorError('CRASHED', message, facts, cause === undefined ? {} : { cause });
}

/** `CRASHED` with `reason: 'out of memory'`. */
export function outOfMemory(what: string, cause: unknown): OrchestratorError {
  const message = `The ${what} ran out of memory; make the task smaller or raise resourceLimits.maxOldGenerationSizeMb.`;
  return new OrchestratorError('CRASHED', message, { reason: 'out of memory' }, { cause });
}

/** `SERVICE_UNAVAILABLE`, retryable: it crashed too often just now. */
export function crashesTooOften(what: string, retryAfterMs: number, cause: unknown): OrchestratorError {
  const seconds = Math.max(0, retryAfterMs) / 1000;
  const message = `The ${what} crashed too often; it is started again in ${seconds.toFixed(1)} s. The last time: ${messageOf(cause)}`;
  return new OrchestratorError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: seconds }, { cause });
}

/** `RESULT_TOO_LARGE`: the value that a module returned. */
export function valueTooLarge(maxResultBytes: number, preview: string): OrchestratorError {
  const message = `The result of the module is larger than maxResultBytes (${maxResultBytes}); ask for less or raise maxResultBytes.`;
  return new OrchestratorError('RESULT_TOO_LARGE', message, { maxResultBytes, preview });
}

/** `RESULT_TOO_LARGE`: output instead of a result. */
export function stdoutTooLarge(what: string, mostBytes: number, preview: string): OrchestratorError {
  const message = `The ${what} wrote more than ${mostBytes} bytes to stdout during one attempt and was ended; return results instead of printing them.`;
  return new OrchestratorError('RESULT_TOO_LARGE', message, { maxResultBytes: mostBytes, preview });
}

/** `UNSERIALISABLE`: the value that a module returned cannot leave its thread or process. */
export function valueNotCopied(cause: unknown): OrchestratorError {
  const message = `The result of the module cannot leave its thread or process: ${messageOf(cause)}; return plain data.`;
  return new OrchestratorError('UNSERIALISABLE', message, {}, { cause });
}
