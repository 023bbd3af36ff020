import type { Clock, Log } from '../core/environment.js';
import type { ServiceDefinition } from './registry.js';

/** How long a service's `close()` is waited for, in milliseconds. */
const CLOSE_LIMIT_MS = 5000;

/** Calls a service's `close()` under guard, and waits for it no longer than {@link CLOSE_LIMIT_MS}. */
export async function closeService(
  { name, close }: ServiceDefinition,
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
