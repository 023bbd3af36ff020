import type { Log } from './environment.js';

/** A log that never throws, whatever the given one does. */
export function guardedLog(log: Log): Log {
  const guard =
    (level: keyof Log): Log[keyof Log] =>
    (facts, message) => {
      try {
        log[level](facts, message);
      } catch {
        // There is nowhere left to report a log that fails; the work goes on.
      }
    };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
}
