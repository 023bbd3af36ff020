import type { TaskResult } from '../../src/core/result.js';
import type { TaskOptions } from '../../src/core/task.js';
import type { TaskHandle } from '../../src/orchestrator.js';
import type { TaskPlan } from './plan.js';

/** One task as its caller sees it. */
export interface Client {
  readonly plan: TaskPlan;
  readonly text: string;
  readonly submittedAtMs: number;
  readonly signal: CountedSignal | null;
  handle: TaskHandle | null;
  settlements: number;
  result: TaskResult | null;
  /** `strict`: the result must be `cancelled`. `loose`: asked for in the middle of something; any result will do. */
  cancel: 'none' | 'strict' | 'loose';
}

/** A controller that counts who listens to its signal. */
export class CountedSignal {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();

  constructor() {
    const { signal } = this.#controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...[type, listener, options]: Parameters<AbortSignal['addEventListener']>) => {
      this.#listeners.add(listener);
      add(type, listener, options);
    };
    signal.removeEventListener = (
      ...[type, listener, options]: Parameters<AbortSignal['removeEventListener']>
    ) => {
      this.#listeners.delete(listener);
      remove(type, listener, options);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Listeners that wait; none once it fired, since all listen once. */
  get listeners(): number {
    return this.signal.aborted ? 0 : this.#listeners.size;
  }

  abort(): void {
    this.#controller.abort(new Error('the caller changed its mind'));
  }
}

/** What a plan says, as options of the library. */
export function optionsOf(plan: TaskPlan, signal: CountedSignal | null): TaskOptions {
  const { service, priority, timeoutMs, queueTimeoutMs, deadlineMs, maxRetries, taskId, key, kwargs } = plan;
  const given = <K extends string, V>(name: K, value: V | null) => (value === null ? {} : { [name]: value });
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  const args = { plain: { pages: [1, 2] }, uncloneable: { call: () => {} }, none: null }[kwargs];
  return {
    ...given('service', service),
    ...given('priority', priority),
    ...given('timeoutSeconds', seconds(timeoutMs)),
    ...given('queueTimeoutSeconds', seconds(queueTimeoutMs)),
    ...given('deadlineSeconds', seconds(deadlineMs)),
    ...given('maxRetries', maxRetries),
    ...given('taskId', taskId),
    ...given('idempotencyKey', key),
    ...given('kwargs', args),
    ...given('signal', signal?.signal ?? null),
    ...(plan.progressThrows ? { onProgress: throwing } : {}),
  };
}

/** A listener of the caller that throws. */
export function throwing(): never {
  throw new Error('a listener threw');
}

/** Whether a task has no result yet. */
export function isOpen(handle: Client['handle']): boolean {
  return handle !== null && ['queued', 'running', 'retrying'].includes(handle.status());
}
