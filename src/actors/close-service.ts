import type { Clock, Log } from '../core/environment.js';
import type { Service } from '../core/service.js';

/** How long a service's `close()` is waited for, in milliseconds. */
const CLOSE_LIMIT_MS = 5000;

/** By service object. */
const closers = new WeakMap<object, () => unknown>();

/**
 * What closes a service; null when nothing does. The same for the same object, by which several services that are one
 * object are known.
 */
export function closerOf(service: Partial<Service>): (() => unknown) | null {
  if (typeof service.close !== 'function') return null;
  const closer = closers.get(service) ?? (() => service.close?.());
  closers.set(service, closer);
  return closer;
}

/** Calls a service's `close()` under guard, and waits for it no longer than {@link CLOSE_LIMIT_MS}. */
export async function closeService(
  { name, close }: { readonly name: string; readonly close: (() => unknown) | null },
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  if (close === null) return;
  let timer: unknown;
  const limit = new Promise<never>((_, reject) => {
    const late = new Error(`close() did not end within ${CLOSE_LIMIT_MS} ms`);
    timer = clock.setTimeout(() => reject(late), CLOSE_LIMIT_MS);
  });
  try {
    await Promise.race([close(), limit]);
  } catch (cause) {
    log.warn({ service: name, cause }, 'a service failed to close');
  } finally {
    clock.clearTimeout(timer);
  }
}
