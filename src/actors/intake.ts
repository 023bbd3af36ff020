import type { TaskConfig } from '../core/config.js';
import { parseOrMisuse } from '../core/config.js';
import type { EngineTaskSettings, KeptTask } from '../core/engine.js';
import type { Environment, Log } from '../core/environment.js';
import * as errors from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import { type TaskOptions, taskOptionsSchema } from '../core/task.js';
import { NO_TRACE, type Tracing, traceHeadersOf } from '../core/tracing.js';
import { callGuarded } from './call-guarded.js';
import { IdempotencyKeys } from './idempotency.js';
import { type OnAbort, SharedAborts } from './shared-aborts.js';
import type { Supervisor } from './supervisor.js';
import { TaskRecord, type TaskSettings } from './task-record.js';

/** Options of a task, parsed: good for one task or for all of a batch. */
export interface Prepared {
  readonly settings: TaskSettings;
  /** Each of them cancels the task: its own, that of its batch. */
  readonly signals: readonly AbortSignal[];
  /** The caller's own id. */
  readonly taskId: string | undefined;
  /** Why a task with these options is refused, or null. */
  readonly refusal: errors.OrchestratorError | null;
}

/** Names of services whose tasks share their settings; callers may say any name. */
const MOST_SHARED = 1000;

const NO_SIGNALS: readonly AbortSignal[] = [];

interface Joiner {
  /** The task that it waits for; undefined when that is not known yet. */
  readonly task: TaskRecord | undefined;
  readonly leave: (reason: unknown) => void;
  readonly forgetSignals: () => void;
}

/** Tells a caller his result; called exactly once. */
export type Answer = (result: TaskResult) => void;

/**
 * Owns: the one door for tasks. Parses what the caller said, honours idempotency key, id and signal, and hands a
 * record to the supervisor. Talks to: the supervisor.
 */
export class Intake {
  #taskConfig: TaskConfig;
  readonly #environment: Environment;
  readonly #log: Log;
  readonly #supervisor: Supervisor;
  readonly #tracing: Tracing | null;
  readonly #keys: IdempotencyKeys;
  readonly #aborts = new SharedAborts();
  /** Shared by all tasks without options of their own. */
  #defaults: Prepared;
  /** Shared by all tasks that say a service and nothing else. */
  readonly #byService = new Map<string, Prepared>();
  /** Callers that wait for another caller's task of the same key, and how they leave. */
  readonly #joiners = new Map<TaskRecord, Joiner>();

  constructor(
    taskConfig: TaskConfig,
    {
      environment,
      log,
      tracing,
    }: { readonly environment: Environment; readonly log: Log; readonly tracing: Tracing | null },
    supervisor: Supervisor,
  ) {
    this.#taskConfig = taskConfig;
    this.#environment = environment;
    this.#log = log;
    this.#supervisor = supervisor;
    this.#tracing = tracing;
    this.#keys = new IdempotencyKeys(environment.clock);
    this.#defaults = this.#prepared({});
  }

  /** Changes the attempt timeout of tasks that come without one; those accepted keep theirs. */
  setTimeoutSeconds(timeoutSeconds: number): void {
    this.#taskConfig = { ...this.#taskConfig, timeoutSeconds };
    this.#defaults = this.#prepared({});
    this.#byService.clear();
  }

  /** Parses the options of a task, while its caller is on the stack. @throws TypeError when one is not valid. */
  prepare(options: TaskOptions | undefined): Prepared {
    const prepared = this.#prepare(options);
    return this.#tracing === null ? prepared : withOrigin(prepared, options, this.#tracing);
  }

  #prepare(options: TaskOptions | undefined): Prepared {
    if (options === undefined) return this.#defaults;
    // A service that was named alone before has been parsed before.
    const known = this.#byService.get(options?.service ?? '');
    if (known && Object.hasOwn(options, 'service') && Object.keys(options).length === 1) return known;
    const parsed = parseOrMisuse(taskOptionsSchema, options, 'options');
    const { service } = parsed;
    return service !== undefined && Object.keys(parsed).length === 1
      ? this.#forService(service)
      : this.#prepared(parsed);
  }

  /** Submits a task. @throws TypeError when the text is none. */
  begin(task: string, prepared: Prepared, answer: Answer): TaskRecord {
    const text = requireText(task);
    const { settings, taskId, refusal } = prepared;
    const { idempotencyKey: key } = settings;
    if (refusal !== null) {
      const record = this.#record(text, settings, taskId, answer);
      this.#supervisor.answerAtOnce(record, 'rejected', refusal);
      return record;
    }
    return key === null ? this.#submit(text, prepared, answer) : this.#withKey(key, text, prepared, answer);
  }

  /** Makes a task of an earlier process one of this one; it is held until the engine lets it run. */
  restore({ id, text, settings, attempts, ageMs }: KeptTask): TaskRecord {
    const { idempotencyKey: key } = settings;
    const hasKey = key !== null && this.#keys.reclaim(key, inputOf(text, settings));
    const answer: Answer = (result) => {
      if (hasKey) this.#keys.settle(key, result);
    };
    const own = { ...settings, onProgress: null, traceparent: null, origin: this.#tracing?.origin(NO_TRACE) };
    const record = new TaskRecord(id, text, own, this.#environment.clock.now() - ageMs, answer);
    record.attempts = attempts;
    if (hasKey) this.#keys.setTask(key, record);
    this.#supervisor.hold(record);
    return record;
  }

  /** Makes the key of a task that ended in an earlier process known. */
  remember({ text, settings }: KeptTask, result: TaskResult, ageMs: number): void {
    const { idempotencyKey: key } = settings;
    if (key !== null) this.#keys.remember(key, inputOf(text, settings), result, ageMs);
  }

  /** A batch's progress listener under guard: one that throws is reported and changes nothing. */
  guarded(
    onProgress: NonNullable<TaskOptions['onProgress']> | undefined,
  ): (fraction: number, message: string) => void {
    return (fraction, message) => {
      const onFault = (cause: unknown): void => this.#log.warn({ cause }, 'a progress listener threw');
      callGuarded(() => onProgress?.(fraction, message), onFault);
    };
  }

  /** The caller of this id who waits for another caller's task. */
  findJoiner(taskId: string): TaskRecord | undefined {
    for (const joiner of this.#joiners.keys()) if (joiner.id === taskId) return joiner;
    return undefined;
  }

  /** The task that does the work for a caller: that of another caller while he waits for it, else his own. */
  taskFor(record: TaskRecord): TaskRecord {
    return this.#joiners.get(record)?.task ?? record;
  }

  /** Waits for the abort of a signal that is not aborted. Returns what ends the waiting. */
  follow(signal: AbortSignal, onAbort: OnAbort): () => void {
    return this.#aborts.add(signal, onAbort);
  }

  cancel(record: TaskRecord, reason: unknown): void {
    if (record.state === 'settled') return;
    const joiner = this.#joiners.get(record);
    if (joiner) joiner.leave(reason);
    else this.#supervisor.requestCancel(record, reason);
  }

  #submit(text: string, prepared: Prepared, answer: Answer, id = prepared.taskId): TaskRecord {
    const { settings, signals, taskId } = prepared;
    if (signals.length > 0) return this.#submitWithSignals(text, prepared, { answer, id });
    const record = this.#record(text, settings, id, answer);
    this.#accept(record, taskId !== undefined);
    return record;
  }

  /** The caller's signals cancel the task until it is answered. */
  #submitWithSignals(
    text: string,
    { settings, signals, taskId }: Prepared,
    { answer, id }: { readonly answer: Answer; readonly id: string | undefined },
  ): TaskRecord {
    const supervisor = this.#supervisor;
    let forgetSignals: (() => void) | undefined;
    const record = this.#record(text, settings, id, (result) => {
      forgetSignals?.();
      answer(result);
    });
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) {
      supervisor.answerAtOnce(record, 'cancelled', errors.cancelled(aborted.reason));
    } else if (this.#accept(record, taskId !== undefined)) {
      forgetSignals = this.#followAll(signals, (reason) => supervisor.requestCancel(record, reason));
    }
    return record;
  }

  /** Hands a record to the supervisor; false when its id is taken: then it is answered already. */
  #accept(record: TaskRecord, hasOwnId: boolean): boolean {
    const supervisor = this.#supervisor;
    if (hasOwnId && !supervisor.claimId(record)) {
      supervisor.answerAtOnce(record, 'rejected', errors.duplicateId(record.id));
      return false;
    }
    supervisor.submit(record);
    return true;
  }

  #withKey(key: string, text: string, prepared: Prepared, answer: Answer): TaskRecord {
    const { settings, signals, taskId } = prepared;
    const joiner = this.#record(text, settings, taskId, (result) => {
      // One that joined is in no count.
      joiner.state = 'settled';
      this.#joiners.get(joiner)?.forgetSignals();
      this.#joiners.delete(joiner);
      this.#supervisor.dropDeadline(joiner);
      answer(result);
    });
    switch (this.#keys.claim(key, inputOf(text, settings), joiner.answer)) {
      case 'conflict':
        this.#supervisor.answerAtOnce(joiner, 'rejected', errors.idempotencyConflict(key));
        return joiner;
      case 'replayed':
        return joiner;
      case 'joined':
        this.#join(joiner, key, signals);
        return joiner;
      case 'fresh': {
        const tell: Answer = (result) => {
          answer(result);
          this.#keys.settle(key, result);
        };
        const task = this.#submit(text, prepared, tell, joiner.id);
        this.#keys.setTask(key, task);
        return task;
      }
    }
  }

  /** A caller whose key is taken waits for the other's task; leaving does not cancel that. */
  #join(joiner: TaskRecord, key: string, signals: readonly AbortSignal[]): void {
    const supervisor = this.#supervisor;
    const cancel = (reason: unknown): void => {
      if (!this.#keys.leave(key, joiner.answer)) return;
      supervisor.answerAtOnce(joiner, 'cancelled', errors.cancelled(reason));
    };
    const expire = (): void => {
      if (!this.#keys.leave(key, joiner.answer)) return;
      const seconds = (joiner.settings.deadlineMs ?? 0) / 1000;
      supervisor.answerAtOnce(joiner, 'timed_out', errors.deadlinePassed(null, seconds));
    };
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) {
      cancel(aborted.reason);
      return;
    }
    const forgetSignals = this.#followAll(signals, cancel);
    this.#joiners.set(joiner, { task: this.#keys.taskOf(key), leave: cancel, forgetSignals });
    supervisor.armDeadline(joiner, expire);
  }

  #followAll(signals: readonly AbortSignal[], onAbort: OnAbort): () => void {
    const forget = signals.map((signal) => this.#aborts.add(signal, onAbort));
    return () => {
      for (const each of forget) each();
    };
  }

  #record(text: string, settings: TaskSettings, taskId: string | undefined, answer: Answer): TaskRecord {
    const { clock, createId } = this.#environment;
    return new TaskRecord(taskId ?? createId(), text, settings, clock.now(), answer);
  }

  /** One object for all tasks that say a service and nothing else: there may be a million of them. */
  #forService(service: string): Prepared {
    const known = this.#byService.get(service);
    if (known) return known;
    if (this.#byService.size >= MOST_SHARED) this.#byService.clear();
    const prepared = this.#prepared({ service });
    this.#byService.set(service, prepared);
    return prepared;
  }

  #prepared(options: TaskOptions): Prepared {
    const { signal, taskId, kwargs } = options;
    const signals = signal === undefined ? NO_SIGNALS : [signal];
    try {
      const copy = kwargs && structuredClone(kwargs);
      return { settings: this.#settingsOf(options, copy), signals, taskId, refusal: null };
    } catch (cause) {
      const refusal = errors.uncloneableInput(cause);
      return { settings: this.#settingsOf(options, undefined), signals, taskId, refusal };
    }
  }

  #settingsOf(options: TaskOptions, kwargs: TaskOptions['kwargs']): TaskSettings {
    const config = this.#taskConfig;
    const { queueTimeoutSeconds = config.queueTimeoutSeconds, deadlineSeconds = config.deadlineSeconds } =
      options;
    return {
      service: options.service ?? null,
      kwargs: kwargs ?? null,
      priority: options.priority ?? 0,
      timeoutMs: (options.timeoutSeconds ?? config.timeoutSeconds) * 1000,
      queueTimeoutMs: queueTimeoutSeconds === undefined ? null : queueTimeoutSeconds * 1000,
      deadlineMs: deadlineSeconds === undefined ? null : deadlineSeconds * 1000,
      maxRetries: config.retryOnFailure ? (options.maxRetries ?? config.maxRetries) : 0,
      idempotencyKey: options.idempotencyKey ?? null,
      onProgress: options.onProgress ?? null,
      traceparent:
        options.traceparent === undefined ? null : traceHeadersOf(options.traceparent, null).traceparent,
      origin: undefined,
    };
  }
}

/** What must be the same for the same key. */
function inputOf(text: string, { service, kwargs }: EngineTaskSettings): object {
  return { text, service, kwargs };
}

/** Of one's own for each caller: what is shared otherwise belongs to many. */
function withOrigin(prepared: Prepared, options: TaskOptions | undefined, tracing: Tracing): Prepared {
  const headers =
    options?.traceparent === undefined ? NO_TRACE : traceHeadersOf(options.traceparent, options.tracestate);
  return { ...prepared, settings: { ...prepared.settings, origin: tracing.origin(headers) } };
}

/** A task's text. @throws TypeError unless it is a non-empty string. */
export function requireText(task: unknown): string {
  if (typeof task === 'string' && task !== '') return task;
  const seen = task === '' ? 'an empty string' : task === null ? 'null' : `a value of type ${typeof task}`;
  throw errors.misuse(`A task is a text, a non-empty string; got ${seen}.`);
}
