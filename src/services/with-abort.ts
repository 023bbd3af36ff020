/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it fires. For work that cannot be stopped or
 * may never settle; a late failure of it is dropped.
 */
export async function withAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  signal.throwIfAborted();
  let giveUp = () => {};
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        giveUp = () => reject(signal.reason);
        signal.addEventListener('abort', giveUp, { once: true });
      }),
    ]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
