import type { Logger } from 'pino';
import { EXIT } from './exit-code.js';

/**
 * Ends the process with {@link EXIT.fatal} and one fatal log line at a fault that nobody caught, for instance of a timer
 * that a service left behind: to go on would mean to run with unknown state.
 */
export function endOnFatalFault(log: Pick<Logger, 'fatal'>): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (cause: unknown) => {
      try {
        log.fatal({ err: cause, event }, 'fault that nobody caught; the process ends');
      } finally {
        process.exit(EXIT.fatal);
      }
    });
  }
}
