import type { Context, RestatePromise, Serde } from '@restatedev/restate-sdk';
import * as errors from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import {
  type AttemptMessage,
  type AttemptOutcome,
  limitKeyOf,
  type Names,
  type TaskMessage,
} from './protocol.js';
import type { Sdk } from './sdk.js';
import { endOf, endOutside } from './task-ends.js';

/** What ended a wait for an attempt. */
type Signal =
  | AttemptOutcome
  | { readonly kind: 'started' }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'queue-timeout' };

/** A time limit of the task, not of an attempt. */
type TimeLimit = 'deadline' | 'queue-timeout';

/**
 * One task at the server, from its acceptance to its end: it calls one attempt after the other and sleeps in between.
 *
 * It is run anew from its start after every fault, and takes what is recorded for what it did: it decides by nothing but
 * the message, recorded outcomes and the order in which they came.
 */
export class TaskLoop {
  readonly #sdk: Sdk;
  readonly #ctx: Context;
  readonly #names: Names;
  readonly #task: TaskMessage;
  #startedAtMs: number | null = null;
  #attempts = 0;
  #deadline: RestatePromise<Signal> | null = null;
  #queueTimeout: RestatePromise<Signal> | null = null;
  /** The latest attempt. */
  #call: RestatePromise<AttemptOutcome> | null = null;

  constructor(sdk: Sdk, ctx: Context, names: Names, task: TaskMessage) {
    this.#sdk = sdk;
    this.#ctx = ctx;
    this.#names = names;
    this.#task = task;
  }

  async run(): Promise<TaskResult> {
    try {
      return await this.#untilEnd();
    } catch (cause) {
      if (cause instanceof this.#sdk.CancelledError) return this.#cancelled(cause);
      throw cause;
    }
  }

  async #untilEnd(): Promise<TaskResult> {
    const { deadlineMs, queueTimeoutMs } = this.#task.settings;
    if (deadlineMs !== null || queueTimeoutMs !== null) {
      const nowMs = await this.#ctx.date.now();
      this.#deadline = this.#alarm('deadline', deadlineMs, nowMs);
      this.#queueTimeout = this.#alarm('queue-timeout', queueTimeoutMs, nowMs);
    }
    const { begun } = this.#task;
    this.#startedAtMs = begun?.startedAtMs ?? null;
    this.#attempts = (begun?.number ?? 1) - 1;
    if (begun !== undefined && (await this.#sleep(begun.delayMs))) return this.#timedOut('deadline');
    for (let number = begun?.number ?? 1; ; ) {
      const signal = await this.#attempt(number);
      switch (signal.kind) {
        case 'ended':
          return endOf(signal, this.#task, this.#startedAtMs ?? signal.startedAtMs);
        case 'again':
          this.#startedAtMs ??= signal.startedAtMs;
          number += 1;
          break;
        case 'not-now':
          break;
        default:
          return this.#timedOut(signal.kind);
      }
      if (await this.#sleep(signal.delayMs)) return this.#timedOut('deadline');
    }
  }

  /** Makes an attempt, as soon as the limits allow it; a time limit of the whole task may come first. */
  async #attempt(number: number): Promise<Exclude<Signal, { readonly kind: 'started' }>> {
    const { service } = this.#task;
    const queueTimeout = number === 1 ? this.#queueTimeout : null;
    const isWatched = this.#deadline !== null || queueTimeout !== null;
    const started = isWatched ? this.#ctx.awakeable<null>() : null;
    const { json } = this.#sdk.serde;
    const call = this.#ctx.genericCall<AttemptMessage, AttemptOutcome>({
      service: this.#names.attempt,
      method: 'run',
      scope: this.#names.scope,
      limitKey: limitKeyOf(service),
      parameter: { task: this.#task, number, startedId: started?.id ?? null },
      inputSerde: json as Serde<AttemptMessage>,
      outputSerde: json as Serde<AttemptOutcome>,
    });
    this.#call = call;
    if (started === null) return this.#noted(number, await call);
    const starts = started.promise.map((): Signal => ({ kind: 'started' }));
    const until = (...signals: (RestatePromise<Signal> | null)[]): Promise<Signal> =>
      this.#sdk.RestatePromise.race([call, ...signals.filter((each) => each !== null)]);
    let signal = await until(starts, queueTimeout, this.#deadline);
    while (signal.kind === 'started') {
      this.#attempts = number;
      this.#startedAtMs ??= await this.#ctx.date.now();
      signal = await until(this.#deadline);
    }
    if (signal.kind === 'deadline' || signal.kind === 'queue-timeout') {
      this.#ctx.cancel(await call.invocationId);
      return { kind: signal.kind };
    }
    return this.#noted(number, signal);
  }

  #noted(number: number, outcome: AttemptOutcome): AttemptOutcome {
    if (outcome.kind !== 'not-now') this.#attempts = number;
    return outcome;
  }

  /** True when the deadline came first. */
  async #sleep(delayMs: number): Promise<boolean> {
    const end = this.#ctx.sleep(delayMs);
    if (this.#deadline === null) {
      await end;
      return false;
    }
    const first = await this.#sdk.RestatePromise.race([end.map(() => null), this.#deadline]);
    return first !== null;
  }

  /** A limit that counts from the acceptance. Not async: a promise that an async function returns is waited for. */
  #alarm(kind: TimeLimit, limitMs: number | null, nowMs: number): RestatePromise<Signal> | null {
    if (limitMs === null) return null;
    const leftMs = this.#task.acceptedAtMs + limitMs - nowMs;
    return this.#ctx.sleep(Math.max(0, leftMs)).map((): Signal => ({ kind }));
  }

  /** The server has cancelled the attempt too, and it says whether it had begun. */
  async #cancelled(reason: Error): Promise<TaskResult> {
    try {
      // Awaited by itself it would say once more that the task was cancelled.
      const last = this.#call && (await this.#sdk.RestatePromise.race([this.#call]));
      if (last?.kind === 'ended') this.#attempts = last.result.attempts;
    } catch {
      // It had not.
    }
    return this.#endAs('cancelled', errors.cancelled(reason));
  }

  async #timedOut(kind: TimeLimit): Promise<TaskResult> {
    const { service, settings } = this.#task;
    const error =
      kind === 'deadline'
        ? errors.deadlinePassed(service, (settings.deadlineMs ?? 0) / 1000)
        : errors.queueTimedOut(service, (settings.queueTimeoutMs ?? 0) / 1000, null);
    return this.#endAs('timed_out', error);
  }

  async #endAs(status: 'timed_out' | 'cancelled', error: errors.OrchestratorError): Promise<TaskResult> {
    const endedAtMs = await this.#ctx.date.now();
    const progress = { attempts: this.#attempts, startedAtMs: this.#startedAtMs, endedAtMs };
    return endOutside(this.#task, status, { error, progress });
  }
}
