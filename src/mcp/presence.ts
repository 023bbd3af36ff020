/** How a caller left: he said that he wants no answer, or his connection was lost. */
export type Departure = 'cancelled' | 'lost';

/** The reason of a cancel that stands for a stream which broke off. */
export const LOST_STREAM = 'the client went away';

/** Told once, when a caller leaves. */
export type OnLeave = (departure: Departure, reason: unknown) => void;

/**
 * Whether the caller of a request is still there.
 *
 * A signal would do, but on the way of a short call making one and listening to it is a tenth of all the work. Invariant
 * L1: at most one listener, which is told at most once.
 */
export class Presence {
  #departure: Departure | undefined;
  #onLeave: OnLeave | undefined;

  /** How the caller left; undefined while he is there. */
  get departure(): Departure | undefined {
    return this.#departure;
  }

  /** Sets who is told of the departure, or nobody. The caller has not left. */
  listen(onLeave: OnLeave | undefined): void {
    this.#onLeave = onLeave;
  }

  /** The caller leaves; later calls do nothing. */
  leave(departure: Departure, reason: unknown): void {
    if (this.#departure !== undefined) return;
    this.#departure = departure;
    this.#onLeave?.(departure, reason);
  }
}

/** The presence of a caller whose request has a signal. @param departureOf - What an abort for a reason means. */
export function presenceOf(signal: AbortSignal, departureOf: (reason: unknown) => Departure): Presence {
  const presence = new Presence();
  const leave = (): void => presence.leave(departureOf(signal.reason), signal.reason);
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  return presence;
}
