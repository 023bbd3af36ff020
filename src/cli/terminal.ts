import { styleText } from 'node:util';

/** Where people and scripts read: results on stdout, everything else on stderr. */
export interface Terminal {
  /** Writes results to stdout, with a line end; resolves once they are handed over. */
  print(text: string): Promise<void>;
  /** Writes a line for people to stderr. */
  tell(text: string): void;
  /** Whether stderr is a terminal that may be written over. */
  readonly isLive: boolean;
  /** Columns of stdout: 120 when it is no terminal. */
  readonly columns: number;
  /** Makes a text of stdout bold when that is a terminal. */
  bold(text: string): string;
  /** Asks on stderr and reads a line; null when nobody is there to answer. */
  ask(question: string): Promise<string | null>;
  /** Shows a line on stderr in place of the last one; an empty text clears it. Only when {@link isLive}. */
  live(text: string): void;
}

/** The terminal of this process. */
export interface ProcessTerminal extends Terminal {
  /** Whether something that was printed could not be written, although its reader is there. */
  readonly hasLostOutput: boolean;
}

/** Columns for a table that goes to a file or a pipe. */
const PLAIN_COLUMNS = 120;

const CLEAR_LINE = '\r\u001b[2K';

/** Errors of a reader who has gone away, and of what is written after any error. */
const NO_READER = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * The terminal of this process. A reader who has gone away is no fault: what is written then is lost. Any other fault of
 * stdout is told once on stderr, whose own faults cannot be told.
 */
export function processTerminal(): ProcessTerminal {
  const { stdout, stderr } = process;
  let hasLostOutput = false;
  const tell = (text: string): void => void stderr.write(`${text}\n`);
  const onFault = (cause: NodeJS.ErrnoException): void => {
    if (hasLostOutput || NO_READER.has(cause.code ?? '')) return;
    hasLostOutput = true;
    tell(`The output cannot be written to stdout: ${cause.message}; what was printed is not complete.`);
  };
  stdout.on('error', onFault);
  stderr.on('error', () => {});
  return {
    get hasLostOutput() {
      return hasLostOutput;
    },
    print: (text) =>
      new Promise((resolve) => {
        stdout.write(`${text}\n`, (cause) => {
          if (cause) onFault(cause);
          resolve();
        });
      }),
    tell,
    ask,
    isLive: stderr.isTTY === true,
    // Some terminals say 0.
    columns: (stdout.isTTY === true && stdout.columns) || PLAIN_COLUMNS,
    bold: (text) => (stdout.isTTY === true ? styleText('bold', text) : text),
    live: (text) => void (stderr.isTTY === true && stderr.write(`${CLEAR_LINE}${text}`)),
  };
}

async function ask(question: string): Promise<string | null> {
  const { stdin, stderr } = process;
  if (stdin.isTTY !== true || stderr.isTTY !== true) return null;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await lines.question(`${question} `);
  } finally {
    lines.close();
  }
}
