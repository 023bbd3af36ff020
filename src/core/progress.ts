/** How far the work is, 0 to 1, and what its service says of it. */
export interface Progress {
  readonly fraction: number;
  readonly message: string | undefined;
}

/**
 * What can be told of a call of `progress()`: a fraction above 1 counts as 1, a message that is no text is left out. Null
 * when the fraction is no number of 0 or more. Total: a service may pass anything.
 */
export function progressOf(fraction: unknown, message: unknown): Progress | null {
  if (typeof fraction !== 'number' || !(fraction >= 0)) return null;
  return { fraction: Math.min(fraction, 1), message: typeof message === 'string' ? message : undefined };
}
