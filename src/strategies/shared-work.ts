/**
 * Owns: one piece of work that several wait for. It is given up when nobody waits for it any more, so that nothing goes on
 * after the last task that needed it.
 */
export class SharedWork<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;
  #isOver = false;

  /** @param start - Starts the work; ends it promptly when the signal fires. */
  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#controller.signal);
    const end = () => {
      this.#isOver = true;
    };
    this.#result.then(end, end);
  }

  /** True once it has ended or was given up: there is nothing to join. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Waits for the result; rejects as the work does, and with the signal's reason when it fires first. */
  join(signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting += 1;
      const leave = () => {
        signal.removeEventListener('abort', abort);
        this.#waiting -= 1;
        if (this.#waiting === 0 && !this.#isOver) {
          this.#isOver = true;
          this.#controller.abort(signal.reason);
        }
      };
      const abort = () => {
        leave();
        reject(signal.reason);
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#result.then(
        (value) => {
          leave();
          resolve(value);
        },
        (cause) => {
          leave();
          reject(cause);
        },
      );
    });
  }
}
