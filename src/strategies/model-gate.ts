import { CircuitBreaker } from '../core/circuit-breaker.js';
import { modelTimedOut } from '../core/errors.js';
import type { RouteContext } from '../core/route.js';
import { type Answer, callWithin } from './call-strategy.js';

/** A model server that fails three times in a row is left alone for a while: no task should wait for it in vain. */
const PATIENCE = { failures: 3, cooldownMs: 5_000, cooldownCapMs: 120_000 };

/**
 * Owns: whether it makes sense to call a model server just now. Talks to: the server, through the call that it is given.
 *
 * - L1: a call never rejects, never throws, and with a clock in the context never hangs.
 * - L2: while the server rests nothing is called, but for one probe after each cool-down.
 */
export class ModelGate {
  readonly #strategy: string;
  readonly #timeoutMs: number;
  readonly #circuit = new CircuitBreaker(PATIENCE);

  /** @param strategy - Name for errors. */
  constructor(strategy: string, timeoutSeconds: number) {
    this.#strategy = strategy;
    this.#timeoutMs = timeoutSeconds * 1000;
  }

  /** False while the server rests. Without a clock it never does. */
  isOpen({ clock }: RouteContext): boolean {
    return clock === undefined || this.#circuit.allows(clock.now());
  }

  /** Calls the server within the limit of time. Call only when it is open. */
  async call(context: RouteContext, work: (signal: AbortSignal) => Promise<unknown>): Promise<Answer> {
    if (this.#circuit.state === 'open') this.#circuit.beginProbe();
    const { epoch } = this.#circuit;
    const answer = await callWithin(context, ({ signal }) => work(signal), {
      timeoutMs: () => this.#timeoutMs,
      lateness: (timeoutMs) => modelTimedOut(this.#strategy, timeoutMs),
    });
    const nowMs = context.clock?.now() ?? 0;
    if (answer.kind === 'answer') this.#circuit.succeeded(epoch);
    else if (context.signal.aborted) this.#circuit.probeWithoutVerdict(epoch, nowMs);
    else if (context.clock !== undefined) this.#circuit.failed(epoch, nowMs);
    return answer;
  }
}
