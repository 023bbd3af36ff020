import type { Logger } from 'pino';
import { EXIT } from './exit-code.js';

/** What happens at a rejection that nobody handles: `exit` ends the process, `log` only tells. */
export type RejectionPolicy = 'exit' | 'log';

/** Told, synchronously, that the process ends now; `event` is the event of the process that ends it. */
export type FatalListener = (event: string) => void;

const listeners = new Set<FatalListener>();

/** Calls the listener before a fault that nobody caught ends the process. Returns what ends that. */
export function onFatalFault(listener: FatalListener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * Ends the process with {@link EXIT.fatal} and one fatal log line at a fault that nobody caught, for instance of a timer
 * that a service left behind: to go on would mean to run with unknown state. A rejection that nobody handled may be
 * tolerated instead, which is for services that one cannot mend.
 */
export function endOnFatalFault(
  log: Pick<Logger, 'fatal' | 'error'>,
  rejections: () => RejectionPolicy = () => 'exit',
): void {
  const end = (cause: unknown, event: string): void => {
    try {
      log.fatal({ err: cause, event }, 'fault that nobody caught; the process ends');
      for (const listener of listeners) listener(event);
    } finally {
      process.exit(EXIT.fatal);
    }
  };
  process.on('uncaughtException', (cause) => end(cause, 'uncaughtException'));
  process.on('unhandledRejection', (cause) => {
    if (rejections() === 'exit') end(cause, 'unhandledRejection');
    else log.error({ err: cause, event: 'unhandledRejection' }, 'rejection that nobody handled');
  });
}
