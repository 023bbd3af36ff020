import { createHash } from 'node:crypto';
import type { RuntimeEvent } from '../../src/core/events.js';

/**
 * Owns: what observers were told in one run, and the trace hash over it. Talks to: `breaks`, when what it is told cannot
 * be. The whole history is judged at the end, elsewhere.
 */
export class Recorder {
  readonly events: RuntimeEvent[] = [];
  /** Due times of tasks in backoff, by id. */
  readonly backoffs = new Map<string, number>();
  /** When the last attempt of a task began, by id. */
  readonly started = new Map<string, number>();
  /** When an attempt was last given up. */
  lastAbandonedMs = Number.NEGATIVE_INFINITY;
  submitted = 0;
  settled = 0;
  readonly #hash = createHash('sha256');
  /** Services that were probed since their circuit opened. */
  readonly #probed = new Set<string>();
  readonly #breaks: (invariant: string, text: string) => void;
  readonly #replaced: ReadonlySet<string>;

  /** @param replaced - Names that belonged to more than one service. */
  constructor(breaks: (invariant: string, text: string) => void, replaced: ReadonlySet<string>) {
    this.#breaks = breaks;
    this.#replaced = replaced;
  }

  take(event: RuntimeEvent): void {
    this.events.push(event);
    if (event.type === 'circuit') this.#onCircuit(event.service, event.state);
    if (!('taskId' in event)) {
      this.trace(JSON.stringify(event));
      return;
    }
    const { type, atMs, taskId } = event;
    this.trace(`${type} ${atMs} ${taskId} ${'instance' in event ? event.instance : ''}`);
    if (type === 'submitted') this.submitted += 1;
    if (type === 'settled') this.#onSettled(event);
    if (type === 'started') this.started.set(taskId, atMs);
    if (type === 'abandoned') this.lastAbandonedMs = atMs;
    if (type === 'backoff') this.backoffs.set(taskId, atMs + event.delayMs);
    else if (type !== 'ended') this.backoffs.delete(taskId);
  }

  /** The queue says that it is idle. */
  takeIdle(): void {
    const open = this.submitted - this.settled;
    if (open !== 0) this.#breaks('idle', `"idle" although ${open} tasks are open`);
  }

  /** An attempt began while the circuit of its service was not closed. */
  probed(service: string): void {
    this.#probed.add(service);
  }

  /** Adds a line to what the hash is over. */
  trace(line: string): void {
    this.#hash.update(line).update('\n');
  }

  /** SHA-256 over everything that was told so far. */
  get hash(): string {
    return this.#hash.copy().digest('hex');
  }

  #onSettled({ taskId, atMs, result }: Extract<RuntimeEvent, { type: 'settled' }>): void {
    this.settled += 1;
    const { timeoutSeconds } = result.errorDetails ?? {};
    if (result.errorCode !== 'TIMEOUT' || typeof timeoutSeconds !== 'number') return;
    const ranMs = atMs - (this.started.get(taskId) ?? Number.NEGATIVE_INFINITY);
    if (ranMs < timeoutSeconds * 1000) {
      this.#breaks('Q10', `an attempt of "${taskId}" timed out after ${ranMs} ms`);
    }
  }

  #onCircuit(service: string, state: 'open' | 'closed'): void {
    const wasProbed = this.#probed.delete(service);
    // Under one name both an old service and its successor may have a circuit.
    if (state === 'closed' && !wasProbed && !this.#replaced.has(service)) {
      this.#breaks('S22', `the circuit of "${service}" closed without a probe`);
    }
  }
}
