/** What a progress notification says; `total` is always 1. */
export interface ProgressUpdate {
  readonly progress: number;
  readonly message?: string;
}

/** Reports of one call, until it is closed. */
export interface ProgressReporter {
  /** Takes a report; one that does not rise is dropped. Never throws. */
  report(fraction: number, message: string | undefined): void;
  /** Ends the reports and waits for the one that is under way, so that none comes after the result. */
  close(): Promise<void>;
}

/**
 * Sends strictly rising progress, one notification at a time: while one is under way only the latest report is kept, so
 * a service that reports a thousand times a second neither fills the memory nor delays the result.
 *
 * @param send - Puts one notification on the wire; a rejection is taken as "the caller is gone" and ignored.
 */
export function createProgressReporter(send: (update: ProgressUpdate) => Promise<void>): ProgressReporter {
  let highest = 0;
  let isClosed = false;
  let next: ProgressUpdate | undefined;
  let underWay: Promise<void> | undefined;

  async function flush(): Promise<void> {
    while (next !== undefined && !isClosed) {
      const update = next;
      next = undefined;
      // The result tells a caller who is still there everything; one who is gone needs no progress.
      await send(update).catch(() => {});
    }
    underWay = undefined;
  }

  return {
    report(fraction, message) {
      const progress = Math.min(fraction, 1);
      if (isClosed || !(progress > highest)) return;
      highest = progress;
      next = message === undefined ? { progress } : { progress, message };
      underWay ??= flush();
    },
    async close() {
      isClosed = true;
      await underWay;
    },
  };
}
