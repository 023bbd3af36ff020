import type { Log } from './environment.js';
import { messageOf } from './errors.js';

/** The log of an orchestrator that was given none: warnings and errors become Node's process warnings on stderr. */
export const warningLog: Log = {
  debug: () => {},
  info: () => {},
  warn: warning,
  error: warning,
};

function warning(facts: object, message: string): void {
  const { cause, ...rest } = facts as { cause?: unknown };
  const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
  process.emitWarning(`${message} ${JSON.stringify(rest)}${reason}`, { type: 'gaffr' });
}
