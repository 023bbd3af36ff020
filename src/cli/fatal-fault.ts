import type { Logger } from 'pino';
import { EXIT } from './exit-code.js';

/** What happens at a rejection that nobody handles: `exit` ends the process, `log` only tells. */
export type RejectionPolicy = 'exit' | 'log';

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
