import { boundLog } from '../core/bound-log.js';
import type { Log } from '../core/environment.js';
import { cancelled } from '../core/errors.js';
import { progressOf } from '../core/progress.js';
import type { ServiceContext } from '../core/service.js';
import { callGuarded } from './call-guarded.js';
import type { TaskRecord } from './task-record.js';

/** What the context asks of its attempt. */
export interface AttemptSource {
  readonly task: TaskRecord;
  readonly service: string;
  readonly state: 'running' | 'abandoned' | 'ended';
}

/** What the service sees of its attempt. */
export class AttemptContext implements ServiceContext {
  readonly attempt: number;
  readonly taskId: string;
  readonly deadline: number | null;
  readonly idempotencyKey: string | null;
  traceparent: string | null;
  readonly #log: Log;
  #boundLog: Log | undefined;
  readonly #attempt: AttemptSource;
  #kwargs: Readonly<Record<string, unknown>> | undefined;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(attempt: AttemptSource, nowMs: number, log: Log) {
    const { task } = attempt;
    const { deadlineMs, idempotencyKey, traceparent } = task.settings;
    this.attempt = task.attempts;
    this.taskId = task.id;
    this.deadline = deadlineMs === null ? null : (task.acceptedAtMs + deadlineMs - nowMs) / 1000;
    this.idempotencyKey = idempotencyKey;
    this.traceparent = traceparent;
    this.#log = log;
    this.#attempt = attempt;
  }

  get kwargs(): Readonly<Record<string, unknown>> {
    // Cloned once per attempt: what one attempt changes, the next one does not see.
    const { kwargs } = this.#attempt.task.settings;
    this.#kwargs ??= kwargs === null ? {} : structuredClone(kwargs);
    return this.#kwargs;
  }

  get signal(): AbortSignal {
    // Made when first asked for: most services never do.
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Each line says which attempt it belongs to. Made when first asked for: most services never do. */
  get log(): Log {
    const { taskId, attempt } = this;
    this.#boundLog ??= boundLog(this.#log, { taskId, service: this.#attempt.service, attempt });
    return this.#boundLog;
  }

  /** Made when asked for, so that services may take it out of the context. */
  get progress(): ServiceContext['progress'] {
    return (fraction, message) => this.#progress(fraction, message);
  }

  /** Fires the signal, now or as soon as it is asked for. */
  abort(reason: unknown): void {
    this.#aborted = { reason: reason ?? cancelled(undefined) };
    this.#controller?.abort(this.#aborted.reason);
  }

  #progress(fraction: unknown, message: unknown): void {
    const { task, state } = this.#attempt;
    const { onProgress } = task.settings;
    if (onProgress === null || state !== 'running') return;
    const progress = progressOf(fraction, message);
    if (progress === null) return;
    const onFault = (cause: unknown): void => {
      this.log.warn({ cause }, 'a progress listener threw');
    };
    callGuarded(() => onProgress(progress.fraction, progress.message), onFault);
  }
}
