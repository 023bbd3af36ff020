import { type Level, type Logger, pino } from 'pino';

/** Log lines that may wait for a reader of stderr, in bytes; beyond it they are dropped instead of filling the memory. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

/** A log of JSON lines on stderr. It neither blocks on nor dies with whoever reads stderr. */
export function stderrLog(level: Level): Logger {
  return pino({ level }, { write: writeLine });
}

function writeLine(line: string): void {
  if (process.stderr.writableLength < MAX_BACKLOG_BYTES) process.stderr.write(line);
}
