/**
 * The errors of tasks, engines and journals, so that their texts are read together. What one service, strategy, adapter or
 * option alone can get wrong is told beside its code.
 *
 * A failed task is a value: these errors end up as `error` and `errorCode` of a `TaskResult`. Only misuse of the API
 * throws, as a `TypeError` (see {@link misuse}).
 */

/** Stable error codes; `true` says that trying again later can help. */
export const ERROR_CODES = {
  SERVICE_FAILED: true,
  CRASHED: true,
  SERVICE_UNAVAILABLE: true,
  TIMEOUT: true,
  QUEUE_TIMEOUT: true,
  QUEUE_FULL: true,
  RATE_LIMITED: true,
  SHUTTING_DOWN: true,
  JOURNAL_FULL: true,
  JOURNAL_FAILED: true,
  JOURNAL_LOCKED: true,
  ENGINE_UNAVAILABLE: true,
  CANCELLED: false,
  INTERRUPTED: false,
  INVALID_INPUT: false,
  RESULT_TOO_LARGE: false,
  UNSERIALISABLE: false,
  SERVICE_AUTH_REQUIRED: false,
  INTERNAL: false,
  NO_MODEL: false,
  NOT_FORMAL: false,
  NO_SEARCH_PROVIDER: false,
  NO_BROWSER: false,
  MISSING_PACKAGE: false,
  NEEDS_ARGUMENTS: false,
  NEEDS_INPUT: false,
  NOT_FOUND: false,
  OUTSIDE_ROOT: false,
  NO_ROUTE: false,
  UNKNOWN_SERVICE: false,
  DUPLICATE_ID: false,
  IDEMPOTENCY_CONFLICT: false,
  JOURNAL_CORRUPT: false,
} as const;

/** A stable error code of a task or of the API. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Options of {@link OrchestratorError}. */
export interface OrchestratorErrorOptions {
  readonly cause?: unknown;
  /** Whether another attempt can help. Default: what {@link ERROR_CODES} says of the code. */
  readonly retryable?: boolean;
  /**
   * Whether the service itself could not be reached or broke down, which counts against its circuit. Default: whether it
   * is retryable and no HTTP 429 (`facts.status`), which is an answer.
   */
  readonly isTransportFault?: boolean;
  /**
   * After a crash: whether the work may be done again even though its service is not marked idempotent, because this
   * part of it is, or was never begun. Default false.
   */
  readonly isRepeatSafe?: boolean;
}

/** The service lives and asks for patience. */
const TOO_MANY_REQUESTS = 429;

/**
 * The one error class: a stable `code`, a `message` for people that ends with what to do, small JSON `facts`, the
 * original `cause`. Services throw it to say more than "failed": `retryable` decides whether another attempt is made.
 *
 * @example
 * throw new OrchestratorError('NEEDS_INPUT', 'No file is named in the task; name one.', { accepted: ['pdf'] });
 */
export class OrchestratorError extends Error {
  override readonly name = 'OrchestratorError';
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
  readonly isTransportFault: boolean;
  readonly isRepeatSafe: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    facts: Readonly<Record<string, unknown>> = {},
    options: OrchestratorErrorOptions = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.facts = facts;
    this.retryable = options.retryable ?? ERROR_CODES[code];
    this.isTransportFault =
      options.isTransportFault ?? (this.retryable && facts.status !== TOO_MANY_REQUESTS);
    this.isRepeatSafe = options.isRepeatSafe ?? false;
  }
}

/** The error of a caller who uses the API wrongly; `code` is `INVALID_INPUT`. */
export function misuse(message: string): TypeError & { readonly code: 'INVALID_INPUT' } {
  return Object.assign(new TypeError(message), { code: 'INVALID_INPUT' as const });
}

/** What goes beside the message into `errorDetails`: the facts, or null when there are none. */
export function detailsOf({ facts }: OrchestratorError): Readonly<Record<string, unknown>> | null {
  return Object.keys(facts).length === 0 ? null : facts;
}

/** Total: a rejected value may be anything, even an object whose getters throw. */
export function messageOf(cause: unknown): string {
  try {
    if (typeof cause === 'object' && cause !== null && 'message' in cause) {
      const { message } = cause;
      if (typeof message === 'string' && message !== '') return message;
    }
    return String(cause);
  } catch {
    return 'no readable message';
  }
}

export function serviceFailed(service: string, attempt: number, cause: unknown): OrchestratorError {
  const message = `Service "${service}" failed on attempt ${attempt}: ${messageOf(cause)}`;
  return new OrchestratorError('SERVICE_FAILED', message, { service, attempt }, { cause });
}

export function attemptTimedOut(facts: {
  readonly taskId: string;
  readonly service: string;
  readonly attempt: number;
  readonly timeoutSeconds: number;
  /** Tasks that wait for the service, and those that its instances work on. */
  readonly waiting: number;
  readonly running: number;
}): OrchestratorError {
  const { taskId, service, attempt, timeoutSeconds, waiting, running } = facts;
  const message = `Attempt ${attempt} of task "${taskId}" on "${service}" took longer than timeoutSeconds (${timeoutSeconds} s), while ${running} ran and ${waiting} waited there; raise timeoutSeconds or make the task smaller.`;
  return new OrchestratorError('TIMEOUT', message, facts);
}

export function deadlinePassed(service: string | null, deadlineSeconds: number): OrchestratorError {
  const where = service === null ? 'before a service was chosen' : `on "${service}"`;
  const message = `The task did not end within deadlineSeconds (${deadlineSeconds} s) ${where}; raise deadlineSeconds or submit it when fewer tasks wait.`;
  return new OrchestratorError('TIMEOUT', message, { service, deadlineSeconds });
}

export function queueTimedOut(
  service: string | null,
  queueTimeoutSeconds: number,
  /** Tasks that wait for the same service; null when that is not known. */
  waiting: number | null,
): OrchestratorError {
  const others = waiting === null ? '' : `, where ${waiting} more wait`;
  const where = service === null ? 'for its route' : `for "${service}"${others}`;
  const message = `The task waited longer than queueTimeoutSeconds (${queueTimeoutSeconds} s) ${where}; raise queueTimeoutSeconds, maxParallel or the service's concurrency.`;
  return new OrchestratorError('QUEUE_TIMEOUT', message, { service, queueTimeoutSeconds, waiting });
}

export function queueFull(
  service: string,
  mailboxCapacity: number,
  retryAfterSeconds: number,
): OrchestratorError {
  const message = `Mailbox of "${service}" holds ${mailboxCapacity} of ${mailboxCapacity} tasks; try again in about ${retryAfterSeconds.toFixed(1)} s or raise mailboxCapacity.`;
  return new OrchestratorError('QUEUE_FULL', message, { service, mailboxCapacity, retryAfterSeconds });
}

export function cancelled(reason: unknown): OrchestratorError {
  // Of an error without words only its name would be left.
  const isSilent =
    reason === undefined || reason === null || (reason instanceof Error && reason.message === '');
  const said = isSilent ? '' : `: ${messageOf(reason)}`;
  return new OrchestratorError('CANCELLED', `The task was cancelled${said}`, {}, { cause: reason });
}

export function interruptedTask(taskId: string): OrchestratorError {
  const message = `The process that had taken task "${taskId}" ended before the task did; how far it came is not known, so submit it again only if that does no harm.`;
  return new OrchestratorError('INTERRUPTED', message, { taskId });
}

export function shuttingDown(): OrchestratorError {
  const message = 'The orchestrator is shutting down; submit the task to another one or after the restart.';
  return new OrchestratorError('SHUTTING_DOWN', message);
}

/** The end of a drain reached a task that an engine keeps and that has no attempt running. */
export function keptForNextStart(): OrchestratorError {
  const message =
    'The orchestrator shut down before the task was done; the engine keeps it, and the next start runs it.';
  return new OrchestratorError('SHUTTING_DOWN', message, { kept: true });
}

/** The process died during an attempt that may have had effects. */
export function interrupted(service: string, attempts: number, crashes: number): OrchestratorError {
  const why =
    crashes > 1
      ? `the process died ${crashes} times during its attempts`
      : `the process died during attempt ${attempts}, and the service is not marked idempotent`;
  const message = `The task was interrupted on "${service}": ${why}; see what the attempt did, then retry the task or leave it.`;
  return new OrchestratorError('INTERRUPTED', message, { service, crashes });
}

export function journalFull(path: string, cause: unknown): OrchestratorError {
  const message = `The journal "${path}" cannot grow: the disk, or maxBytes, is full; free space and try again.`;
  return new OrchestratorError('JOURNAL_FULL', message, { path }, { cause, isTransportFault: false });
}

export function journalFailed(path: string, cause: unknown): OrchestratorError {
  const message = `The journal "${path}" cannot be written: ${messageOf(cause)}; nothing more is accepted until the process is started again on a disk that works.`;
  return new OrchestratorError('JOURNAL_FAILED', message, { path }, { cause, isTransportFault: false });
}

/** An end that could not be recorded is not told as one: after a restart it would be another. */
export function endNotRecorded(status: string, error: OrchestratorError): OrchestratorError {
  const message = `The task ended (${status}), but that could not be recorded, so that the next start may do it again. ${error.message}`;
  const facts = { ...error.facts, status };
  return new OrchestratorError(error.code, message, facts, { cause: error, isTransportFault: false });
}

export function journalLocked(path: string, cause: unknown): OrchestratorError {
  const message = `The journal "${path}" belongs to another process that runs; stop that one, or give this one a journal of its own.`;
  return new OrchestratorError('JOURNAL_LOCKED', message, { path }, { cause, isTransportFault: false });
}

export function journalCorrupt(
  path: string,
  what: string,
  copies: readonly string[],
  cause?: unknown,
): OrchestratorError {
  const kept =
    copies.length === 0 ? '' : ` Copies are kept as ${copies.map((it) => `"${it}"`).join(' and ')}.`;
  const message = `The journal "${path}" is damaged: ${what}.${kept} Start with repair (gaffr: --repair) to go on with what can be read, or put back a copy of your own.`;
  return new OrchestratorError('JOURNAL_CORRUPT', message, { path, copies }, { cause });
}

export function journalVersion(path: string, found: number, known: number): OrchestratorError {
  const message = `The journal "${path}" has version ${found}, and this gaffr knows version ${known}; start it with the gaffr that wrote it, or a later one.`;
  return new OrchestratorError('JOURNAL_FAILED', message, { path, found, known });
}

export function journalUnusable(path: string, cause: unknown): OrchestratorError {
  const message = `The journal "${path}" cannot be opened: ${messageOf(cause)}; name a file in a folder that can be written.`;
  return new OrchestratorError('JOURNAL_FAILED', message, { path }, { cause });
}

export function notAJournal(path: string, cause: unknown): OrchestratorError {
  const message = `The file "${path}" is no journal, and stays as it is; name another one. If it was a journal, start with repair (gaffr: --repair) to set it aside and begin anew.`;
  return new OrchestratorError('JOURNAL_FAILED', message, { path }, { cause });
}

export function notRecordable(what: string, rule: string): OrchestratorError {
  const message = `${what} cannot be recorded by the engine: ${rule}.`;
  return new OrchestratorError('INVALID_INPUT', message);
}

export function unserialisable(service: string, why: string): OrchestratorError {
  const message = `The result of "${service}" cannot be recorded as JSON: ${why}; return plain data from the service.`;
  return new OrchestratorError('UNSERIALISABLE', message, { service });
}

export function engineUnavailable(url: string, what: string, cause?: unknown): OrchestratorError {
  const message = `The Restate server at ${url} ${what}.`;
  return new OrchestratorError('ENGINE_UNAVAILABLE', message, { url }, { cause });
}

/** A task that was on its way to the server when that failed. */
export function handOverFailed(url: string, what: string, cause?: unknown): OrchestratorError {
  const { message } = engineUnavailable(url, what);
  const advice = 'Nothing was accepted for sure: use an idempotencyKey when you try again.';
  return new OrchestratorError('ENGINE_UNAVAILABLE', `${message} ${advice}`, { url }, { cause });
}

export function cannotListen(host: string, port: number, cause: unknown): OrchestratorError {
  const message = `The worker cannot listen on ${host}:${port}: ${messageOf(cause)}; name another host or port (gaffr: --host, --port), or port 0 for any free one.`;
  return new OrchestratorError('ENGINE_UNAVAILABLE', message, { host, port }, { cause });
}

export function cannotPrioritise(kind: string, priority: number): OrchestratorError {
  const message = `The engine "${kind}" has no priorities, and the task asks for ${priority}; leave "priority" out, or use the engine local or journal.`;
  return new OrchestratorError('INVALID_INPUT', message, { priority });
}

export function workerTakesNoTasks(): OrchestratorError {
  const message =
    'A worker runs what the server hands to it and accepts no tasks of its own; submit them to an orchestrator with the same engine.';
  return new OrchestratorError('INVALID_INPUT', message);
}

/** The attempts go on in another process, perhaps. */
export function handedBack(delayMs: number): OrchestratorError {
  const message = `The task was handed back to the engine, which starts its next attempt in ${(delayMs / 1000).toFixed(1)} s, perhaps in another process.`;
  return new OrchestratorError('CANCELLED', message, { kept: true });
}

/** A misuse: the engine was asked for what it cannot do. */
export function engineCannot(kind: string, what: string, does: string): TypeError {
  return misuse(`The engine "${kind}" ${what}; ${does}.`);
}

export function serviceUnavailable(
  service: string,
  retryAfterSeconds: number | null,
  cause: unknown,
): OrchestratorError {
  const wait =
    retryAfterSeconds === null ? '' : `; its circuit is probed again in ${retryAfterSeconds.toFixed(1)} s`;
  const message = `Service "${service}" is unavailable after repeated failures and no other candidate is left${wait}.`;
  const facts = retryAfterSeconds === null ? { service } : { service, retryAfterSeconds };
  return new OrchestratorError('SERVICE_UNAVAILABLE', message, facts, { cause });
}

export function unknownService(service: string, known: readonly string[]): OrchestratorError {
  const names = known.length === 0 ? 'none is registered' : `known: ${known.join(', ')}`;
  const message = `There is no service "${service}" (${names}); name a registered one or leave "service" out.`;
  return new OrchestratorError('UNKNOWN_SERVICE', message, { service, known });
}

export function noRoute(why: string, cause: unknown): OrchestratorError {
  const message = `No service fits the task (${why}) and no fallback service is available; name a service, lower confidenceThreshold or register the fallback.`;
  return new OrchestratorError('NO_ROUTE', message, { why }, cause === undefined ? {} : { cause });
}

export function routingTimedOut(strategy: string, timeoutMs: number): OrchestratorError {
  const message = `Routing strategy "${strategy}" gave no answer within ${timeoutMs} ms; make it faster or raise routingTimeoutSeconds.`;
  return new OrchestratorError('TIMEOUT', message, { strategy, timeoutMs });
}

export function modelTimedOut(strategy: string, timeoutMs: number): OrchestratorError {
  const message = `The model behind routing strategy "${strategy}" gave no answer within ${timeoutMs} ms; take a faster one or raise the strategy's timeoutSeconds.`;
  return new OrchestratorError('TIMEOUT', message, { strategy, timeoutMs });
}

export function duplicateId(taskId: string): OrchestratorError {
  const message = `A task with the id "${taskId}" is still running; use another id or wait for it.`;
  return new OrchestratorError('DUPLICATE_ID', message, { taskId });
}

export function idempotencyConflict(key: string): OrchestratorError {
  const message = `The idempotencyKey "${key}" belongs to another task; use a new key for other input.`;
  return new OrchestratorError('IDEMPOTENCY_CONFLICT', message, { idempotencyKey: key });
}

export function uncloneableInput(cause: unknown): OrchestratorError {
  const message = `The task's kwargs cannot be copied: ${messageOf(cause)}; pass plain data.`;
  return new OrchestratorError('INVALID_INPUT', message, {}, { cause });
}

export function resultTooLarge(service: string, maxResultBytes: number, preview: string): OrchestratorError {
  const message = `The result of "${service}" is larger than maxResultBytes (${maxResultBytes}); ask for less or raise maxResultBytes.`;
  return new OrchestratorError('RESULT_TOO_LARGE', message, { service, maxResultBytes, preview });
}

export function resultTooLargeToSend(
  service: string,
  maxResultBytes: number,
  whole: { readonly preview: string; readonly uri: string },
): OrchestratorError {
  const message = `The result of "${service}" is larger than the ${maxResultBytes} bytes that one answer carries; read the whole at ${whole.uri}, or ask for less.`;
  const facts = { service, maxResultBytes, preview: whole.preview, uri: whole.uri };
  return new OrchestratorError('RESULT_TOO_LARGE', message, facts);
}

export function runNotFound(runId: string): OrchestratorError {
  const message = `There is no run "${runId}" of yours: the id is wrong, or the run ended so long ago that it is kept no more; start the work again.`;
  return new OrchestratorError('NOT_FOUND', message, { runId });
}

export function tooManyRuns(limit: string, most: number, yours: number): OrchestratorError {
  const message = `Too much is under way: ${limit} is ${most}, and yours is ${yours}; wait for runs to end, or stop some with cancelRun.`;
  return new OrchestratorError('QUEUE_FULL', message, { limit, most, yours });
}

export function internalError(errorId: string, cause: unknown): OrchestratorError {
  const message = `Something went wrong inside gaffr (error id ${errorId}); the log has the details under this id.`;
  return new OrchestratorError('INTERNAL', message, { errorId }, { cause });
}

export function missingPackage(packageName: string, cause: unknown): OrchestratorError {
  const message = `The optional package "${packageName}" is not installed; run: npm install ${packageName}`;
  return new OrchestratorError('MISSING_PACKAGE', message, { packageName }, { cause });
}

/** A misuse: services that cannot be learned yet. */
export function tooFewExamples(
  short: readonly { readonly service: string; readonly examples: number }[],
  least: number,
): TypeError {
  const names = short.slice(0, 20).map(({ service, examples }) => `"${service}" has ${examples}`);
  const more = short.length > 20 ? ` and ${short.length - 20} more have too few` : '';
  return misuse(
    `train() needs ${least} or more different examples and corrections of each service: ${names.join(', ')}${more}; give more, or name in "services" those to learn.`,
  );
}

export function learnedModelMissing(what: string): OrchestratorError {
  const message = `${what} needs a model and there is none; call train() or load() before.`;
  return new OrchestratorError('INVALID_INPUT', message);
}

export function learnedFileRefused(path: string, why: string, cause?: unknown): OrchestratorError {
  const message = `"${path}" cannot be loaded as a learned strategy: ${why}; train again and save.`;
  return new OrchestratorError('INVALID_INPUT', message, { path }, cause === undefined ? {} : { cause });
}

export function trainingFailed(cause: unknown): OrchestratorError {
  const message = `The thread that trains the learned strategy died: ${messageOf(cause)}; train again, with fewer examples if memory ran out.`;
  return new OrchestratorError('INTERNAL', message, {}, { cause });
}
