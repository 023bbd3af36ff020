/** Told of the reason of an abort. */
export type OnAbort = (reason: unknown) => void;

interface Share {
  readonly waiting: Set<OnAbort>;
  readonly listener: () => void;
}

/**
 * Owns: one listener per signal, however many tasks share it. Node warns of more than ten on one signal, and walks all of
 * them to add another. Talks to: the signals of callers.
 */
export class SharedAborts {
  readonly #shares = new WeakMap<AbortSignal, Share>();

  /** Waits for the abort of a signal that is not aborted. Returns what ends the waiting. */
  add(signal: AbortSignal, onAbort: OnAbort): () => void {
    const share = this.#shareOf(signal);
    share.waiting.add(onAbort);
    return () => {
      if (share.waiting.delete(onAbort) && share.waiting.size === 0) this.#end(signal, share);
    };
  }

  #shareOf(signal: AbortSignal): Share {
    const known = this.#shares.get(signal);
    if (known) return known;
    const waiting = new Set<OnAbort>();
    const listener = (): void => {
      const all = [...waiting];
      waiting.clear();
      this.#end(signal, share);
      for (const onAbort of all) onAbort(signal.reason);
    };
    const share = { waiting, listener };
    this.#shares.set(signal, share);
    signal.addEventListener('abort', listener, { once: true });
    return share;
  }

  #end(signal: AbortSignal, { listener }: Share): void {
    this.#shares.delete(signal);
    signal.removeEventListener('abort', listener);
  }
}
