/** What decides whose turn it is. */
export interface Turn {
  /** A task waits, an instance is free or may be hired, and the circuit lets it through. */
  readonly canStart: boolean;
  /** Priority of the task that is next. */
  readonly headPriority: number;
}

/**
 * Picks the service that starts its next task: highest waiting priority first, and in turns among equals, so that
 * none blocks another.
 *
 * @param turns - One entry per service, in registration order.
 * @param lastServed - Index of the one served last; its equals behind it go first.
 * @returns Index of the service, or -1 when none can start.
 */
export function nextTurn(turns: readonly Turn[], lastServed: number): number {
  let chosen = -1;
  let highest = Number.NEGATIVE_INFINITY;
  const count = turns.length;
  for (let step = 1; step <= count; step += 1) {
    const index = (lastServed + step) % count;
    const turn = turns[index] as Turn;
    if (!turn.canStart) continue;
    if (chosen === -1 || turn.headPriority > highest) {
      chosen = index;
      highest = turn.headPriority;
    }
  }
  return chosen;
}
