import type { TaskConfig } from '../core/config.js';
import { parseOrMisuse } from '../core/config.js';
import type { Environment } from '../core/environment.js';
import * as errors from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import { type TaskOptions, taskOptionsSchema } from '../core/task.js';
import { IdempotencyKeys } from './idempotency.js';
import type { Supervisor } from './supervisor.js';
import { TaskRecord, type TaskSettings, type TaskState } from './task-record.js';

/** A submitted task, as its caller may steer it. */
export interface Begun {
  readonly taskId: string;
  state(): TaskState;
  cancel(reason?: unknown): void;
}

/**
 * Owns: the one door for tasks. Parses what the caller said, honours idempotency key, id and signal, and hands a
 * record to the supervisor. Talks to: the supervisor.
 */
export class Intake {
  #taskConfig: TaskConfig;
  readonly #environment: Environment;
  readonly #supervisor: Supervisor;
  readonly #keys: IdempotencyKeys;
  /** Shared by all tasks without options of their own. */
  #defaults: TaskSettings;

  constructor(taskConfig: TaskConfig, environment: Environment, supervisor: Supervisor) {
    this.#taskConfig = taskConfig;
    this.#environment = environment;
    this.#supervisor = supervisor;
    this.#keys = new IdempotencyKeys(environment.clock);
    this.#defaults = this.#settingsOf({});
  }

  /** Changes the attempt timeout of tasks that come without one; those accepted keep theirs. */
  setTimeoutSeconds(timeoutSeconds: number): void {
    this.#taskConfig = { ...this.#taskConfig, timeoutSeconds };
    this.#defaults = this.#settingsOf({});
  }

  /** Submits a task; `answer` is called exactly once. @throws TypeError when the text or an option is not valid. */
  begin(task: string, options: TaskOptions | undefined, answer: (result: TaskResult) => void): Begun {
    const text = requireText(task);
    if (options === undefined) return this.#submit(this.#record(text, this.#defaults, undefined, answer));

    const { signal, taskId, ...rest } = parseOrMisuse(taskOptionsSchema, options, 'options');
    let settings: TaskSettings;
    try {
      settings = this.#settingsOf({ ...rest, kwargs: rest.kwargs && structuredClone(rest.kwargs) });
    } catch (cause) {
      return this.#refuse(this.#record(text, this.#defaults, taskId, answer), errors.uncloneableInput(cause));
    }
    const key = settings.idempotencyKey;
    if (key !== null) return this.#withKey(key, text, settings, taskId, signal, answer);
    return this.#submit(this.#record(text, settings, taskId, answer), signal, taskId !== undefined);
  }

  #withKey(
    key: string,
    text: string,
    settings: TaskSettings,
    taskId: string | undefined,
    signal: AbortSignal | undefined,
    answer: (result: TaskResult) => void,
  ): Begun {
    const input = { text, service: settings.service, kwargs: settings.kwargs };
    const joiner = this.#record(text, settings, taskId, answer);
    const meaning = this.#keys.claim(key, input, answer);
    if (meaning === 'conflict') return this.#refuse(joiner, errors.idempotencyConflict(key));
    if (meaning === 'joined') return this.#join(joiner, key, answer, signal);
    const owner = this.#record(text, settings, joiner.id, (result) => {
      answer(result);
      this.#keys.settle(key, result);
    });
    return this.#submit(owner, signal, taskId !== undefined);
  }

  #submit(record: TaskRecord, signal?: AbortSignal, hasOwnId = false): Begun {
    const supervisor = this.#supervisor;
    if (signal?.aborted) {
      supervisor.answerAtOnce(record, 'cancelled', errors.cancelled(signal.reason));
    } else if (hasOwnId && !supervisor.claimId(record)) {
      supervisor.answerAtOnce(record, 'rejected', errors.duplicateId(record.id));
    } else {
      if (signal) forwardAbort(signal, record, supervisor);
      supervisor.submit(record);
    }
    return {
      taskId: record.id,
      state: () => record.state,
      cancel: (reason) => supervisor.requestCancel(record, reason),
    };
  }

  #refuse(record: TaskRecord, error: errors.OrchestratorError): Begun {
    this.#supervisor.answerAtOnce(record, 'rejected', error);
    return { taskId: record.id, state: () => record.state, cancel: () => {} };
  }

  /** A caller whose key is taken waits for the other's task; leaving does not cancel that. */
  #join(
    record: TaskRecord,
    key: string,
    answer: (result: TaskResult) => void,
    signal: AbortSignal | undefined,
  ): Begun {
    const leave = (reason: unknown): void => {
      if (!this.#keys.leave(key, answer)) return;
      this.#supervisor.answerAtOnce(record, 'cancelled', errors.cancelled(reason));
    };
    if (signal?.aborted) leave(signal.reason);
    else signal?.addEventListener('abort', () => leave(signal.reason), { once: true });
    return { taskId: record.id, state: () => record.state, cancel: leave };
  }

  #record(
    text: string,
    settings: TaskSettings,
    taskId: string | undefined,
    answer: (result: TaskResult) => void,
  ): TaskRecord {
    const { clock, createId } = this.#environment;
    return new TaskRecord(taskId ?? createId(), text, settings, clock.now(), answer);
  }

  #settingsOf(options: TaskOptions): TaskSettings {
    const config = this.#taskConfig;
    const { queueTimeoutSeconds = config.queueTimeoutSeconds, deadlineSeconds = config.deadlineSeconds } =
      options;
    return {
      service: options.service ?? null,
      kwargs: options.kwargs ?? null,
      priority: options.priority ?? 0,
      timeoutMs: (options.timeoutSeconds ?? config.timeoutSeconds) * 1000,
      queueTimeoutMs: queueTimeoutSeconds === undefined ? null : queueTimeoutSeconds * 1000,
      deadlineMs: deadlineSeconds === undefined ? null : deadlineSeconds * 1000,
      maxRetries: config.retryOnFailure ? (options.maxRetries ?? config.maxRetries) : 0,
      idempotencyKey: options.idempotencyKey ?? null,
      onProgress: options.onProgress ?? null,
    };
  }
}

/** A task's text. @throws TypeError unless it is a non-empty string. */
export function requireText(task: unknown): string {
  if (typeof task === 'string' && task !== '') return task;
  const seen = task === '' ? 'an empty string' : task === null ? 'null' : `a value of type ${typeof task}`;
  throw errors.misuse(`A task is a text, a non-empty string; got ${seen}.`);
}

function forwardAbort(signal: AbortSignal, record: TaskRecord, supervisor: Supervisor): void {
  const onAbort = (): void => supervisor.requestCancel(record, signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  record.forgetSignal = () => signal.removeEventListener('abort', onAbort);
}
