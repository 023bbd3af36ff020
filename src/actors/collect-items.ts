import type { Clock } from '../core/environment.js';
import { sizeUpTo } from '../core/size.js';

/** Items taken in one go; then timers have their turn, or one that never waits would keep the event loop for itself. */
const ITEMS_PER_TURN = 1000;

/** What the collecting of items needs from outside. */
export interface CollectPorts {
  readonly clock: Clock;
  /** False once nobody waits for the items. */
  readonly isWanted: () => boolean;
  /** Most bytes of all items together. */
  readonly maxBytes: number;
  /** The error of a collection that grows beyond that. */
  readonly tooLarge: (items: readonly unknown[]) => Error;
  /** Told of each item as it comes. */
  readonly told: (item: unknown) => void;
}

/** Items that are being collected. */
export interface Collection {
  /** The items, or the return value of a generator when it has one. */
  readonly result: Promise<unknown>;
  /** Closes the iterable; it may take its time. Never throws. */
  stop(): void;
}

/** Collects what an async iterable yields. @throws whatever its `[Symbol.asyncIterator]()` throws. */
export function collectItems(iterable: AsyncIterable<unknown>, ports: CollectPorts): Collection {
  const iterator = iterable[Symbol.asyncIterator]();
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) return;
    isStopped = true;
    // A generator that waits inside cannot return before its wait ends; nobody waits for it here. What it throws comes
    // too late to matter.
    const close = async (): Promise<unknown> => iterator.return?.();
    close().catch(() => {});
  };
  return { result: takeAll(iterator, stop, ports), stop };
}

async function takeAll(
  iterator: AsyncIterator<unknown>,
  stop: () => void,
  { clock, isWanted, maxBytes, tooLarge, told }: CollectPorts,
): Promise<unknown> {
  const items: unknown[] = [];
  let bytes = 0;
  while (isWanted()) {
    const step: unknown = await iterator.next();
    if (typeof step !== 'object' || step === null)
      throw new TypeError('next() of an async iterator gave no object');
    const { done, value } = step as IteratorResult<unknown>;
    if (done) return value === undefined ? items : value;
    items.push(value);
    bytes += sizeUpTo(value, maxBytes);
    if (bytes > maxBytes) {
      stop();
      throw tooLarge(items);
    }
    if (isWanted()) told(value);
    if (items.length % ITEMS_PER_TURN === 0)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 0));
  }
  stop();
  return undefined;
}
