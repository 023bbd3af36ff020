import type { Log } from './environment.js';

/** A child of a log: each of its lines carries these facts, which a line's own facts of the same name do not change. */
export function boundLog(log: Log, bound: object): Log {
  const bind =
    (level: keyof Log): Log[keyof Log] =>
    (facts, message) =>
      // Whoever knows pino may say a line without facts.
      typeof facts === 'string' ? log[level](bound, facts) : log[level]({ ...facts, ...bound }, message);
  return { debug: bind('debug'), info: bind('info'), warn: bind('warn'), error: bind('error') };
}
