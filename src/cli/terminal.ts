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

/** Columns for a table that goes to a file or a pipe. */
const PLAIN_COLUMNS = 120;

const CLEAR_LINE = '\r\u001b[2K';

/** The terminal of this process. A reader who has gone away is no fault: what is written then is lost. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on('error', () => {});
  return {
    print: (text) =>
      new Promise((resolve) => {
        stdout.write(`${text}\n`, () => resolve());
      }),
    tell: (text) => void stderr.write(`${text}\n`),
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
