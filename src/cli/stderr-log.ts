import { createRequire } from 'node:module';
import type { Level, Logger } from 'pino';

/** A log that also knows faults which end the process. */
export type StderrLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** Log lines that may wait for a reader of stderr, in bytes; beyond it they are dropped instead of filling the memory. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

const SEVERITY: Readonly<Record<Level, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
};

/**
 * A log of JSON lines on stderr. It neither blocks on nor dies with whoever reads stderr. pino is loaded for the first
 * line, and at once: most processes write none, and a fatal one cannot wait.
 */
export function stderrLog(level: Level): StderrLog {
  let pino: Logger | undefined;
  const logAt =
    (name: keyof StderrLog) =>
    (facts: object, message: string): void => {
      if (SEVERITY[name] < SEVERITY[level]) return;
      pino ??= openPino(level);
      pino[name](facts, message);
    };
  const methods = { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  return { ...methods, fatal: logAt('fatal') } as StderrLog;
}

function openPino(level: Level): Logger {
  const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino');
  return pino({ level }, { write: writeLine });
}

function writeLine(line: string): void {
  if (process.stderr.writableLength < MAX_BACKLOG_BYTES) process.stderr.write(line);
}
