import type { ServiceContext } from '../../core/service.js';
import { previewOf, sizeUpTo } from '../../core/size.js';
import { valueTooLarge } from './isolation-errors.js';

/**
 * Waits for what a service function returned. Items of an async iterable are collected (texts are told as progress too)
 * unless it is a generator that returns a value; it is closed when the signal fires or the items grow too large.
 *
 * @throws OrchestratorError `RESULT_TOO_LARGE`, before the whole of it is in memory.
 */
export async function collectOutcome(
  outcome: unknown,
  context: Pick<ServiceContext, 'signal' | 'progress'>,
  maxResultBytes: number,
): Promise<unknown> {
  const result = await outcome;
  if (!isAsyncIterable(result)) return result;
  const { signal, progress } = context;
  const iterator = result[Symbol.asyncIterator]();
  // A generator that waits inside cannot return before its wait ends; nobody waits for it here. What it throws comes too
  // late to matter.
  const close = async (): Promise<unknown> => iterator.return?.();
  const stop = (): void => void close().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  try {
    const items: unknown[] = [];
    let bytes = 0;
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) return value === undefined ? items : value;
      signal.throwIfAborted();
      bytes += sizeUpTo(value, maxResultBytes);
      if (bytes > maxResultBytes) {
        stop();
        throw valueTooLarge(maxResultBytes, previewOf(items[0] ?? value));
      }
      items.push(value);
      if (typeof value === 'string') progress(0, value);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
