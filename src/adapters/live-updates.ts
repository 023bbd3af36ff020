/** How far a call is that has not ended. */
export interface RunningUpdate {
  readonly status: 'running';
  /** 0 to 1, never falling. */
  readonly progress: number;
  readonly message?: string;
}

/** Work that reports how far it is. */
type Reporting<T> = (
  signal: AbortSignal,
  onProgress: (fraction: number, message: string | undefined) => void,
) => Promise<T>;

/**
 * Yields reports of the work and, last, its value. Of reports that come faster than they are taken only the latest is
 * kept. Leaving the loop cancels the work.
 *
 * @param signal - Cancels the work as well.
 */
export async function* liveUpdates<T>(
  work: Reporting<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunningUpdate | T, void> {
  const leaving = new AbortController();
  let latest: RunningUpdate | undefined;
  let highest = 0;
  let wake = (): void => {};
  const onProgress = (fraction: number, message: string | undefined): void => {
    const progress = Math.min(fraction, 1);
    if (!(progress >= highest)) return;
    highest = progress;
    latest = { status: 'running', progress, ...(message !== undefined && { message }) };
    wake();
  };
  const both = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]);
  let hasEnded = false;
  const ending = work(both, onProgress).finally(() => {
    hasEnded = true;
    wake();
  });
  // A failure is told below; while nobody waits here it must not count as unhandled.
  ending.catch(() => {});
  try {
    while (!hasEnded) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (latest !== undefined || hasEnded) resolve();
      });
      const update = latest;
      latest = undefined;
      if (update !== undefined && !hasEnded) yield update;
    }
    yield await ending;
  } finally {
    if (!hasEnded) leaving.abort(new Error('nobody waits for the result any more'));
  }
}
