import { createRequire } from 'node:module';
import type { Level, Logger, LoggerOptions } from 'pino';
import { UsageError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';
import { prettyLine } from './pretty-log.js';

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

export const LOG_FLAGS: Flags = {
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    help: 'Least level that is logged: debug, info, warn, error or fatal',
  },
};

/** Fields whose values are never written, wherever a service or a library puts them. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'password', 'secret', 'apiKey', 'api_key'];

/**
 * A log of JSON lines on stderr, or of lines for people when that is a terminal. It neither blocks on nor dies with whoever
 * reads stderr. pino is loaded for the first line, and at once: most processes write none, and a fatal one cannot wait.
 */
export function stderrLog(
  level: Level,
  { isPretty = false }: { readonly isPretty?: boolean } = {},
): StderrLog {
  let pino: Logger | undefined;
  const logAt =
    (name: keyof StderrLog) =>
    (facts: object, message: string): void => {
      if (SEVERITY[name] < SEVERITY[level]) return;
      pino ??= openPino(level, isPretty);
      pino[name](facts, message);
    };
  const methods = { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  return { ...methods, fatal: logAt('fatal') } as StderrLog;
}

/**
 * The level that a command line asks for, before its command is known; one that is none is told by {@link checkLogLevel}.
 */
export function logLevelOf(argv: readonly string[], standard: Level): Level {
  const [, text = ''] = /(?:^|\n)--log-level[=\n](\w+)/.exec(argv.join('\n')) ?? [];
  return isLevel(text) ? text : standard;
}

/** @throws UsageError when `--log-level` says no level. */
export function checkLogLevel(args: Arguments): void {
  const text = args.text('log-level');
  if (text === undefined || isLevel(text)) return;
  throw new UsageError(`--log-level must be debug, info, warn, error or fatal, not "${text}".`);
}

function isLevel(text: string): text is Level {
  return Object.hasOwn(SEVERITY, text);
}

function openPino(level: Level, isPretty: boolean): Logger {
  const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino');
  const { err } = pino.stdSerializers;
  const options: LoggerOptions = {
    level,
    // Our own faults are logged as `cause`; an error without this would be written as {}.
    serializers: { err, cause: err },
    redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  return pino(options, { write: isPretty ? (line) => writeLine(prettyLine(line)) : writeLine });
}

function writeLine(line: string): void {
  if (process.stderr.writableLength < MAX_BACKLOG_BYTES) process.stderr.write(line);
}
