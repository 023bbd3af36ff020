import { OrchestratorError } from '../core/errors.js';

/** The attempts that run on a service without a crew of its own, so that `close()` can end them. */
export class RunningAttempts {
  readonly #running = new Set<AbortController>();

  /** Runs one attempt with a signal that fires with the attempt's own or on {@link close}. */
  async run<T>(signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const closing = new AbortController();
    this.#running.add(closing);
    try {
      return await attempt(AbortSignal.any([signal, closing.signal]));
    } finally {
      this.#running.delete(closing);
    }
  }

  /** Ends what runs with `SHUTTING_DOWN`; later attempts are not concerned. */
  close(): void {
    const reason = new OrchestratorError(
      'SHUTTING_DOWN',
      'The service was closed; submit the task to another one.',
    );
    for (const closing of this.#running) closing.abort(reason);
  }
}
