import type { Log } from '../core/environment.js';
import type { ExitCode } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';
import type { Terminal } from './terminal.js';

/** What a command may use of the process. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** To stderr, as JSON lines. */
  readonly log: Log;
  readonly version: string;
}

/** One command. Its module stays light: what it needs is imported when it runs, so that `--help` is instant. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name, for instance `"task" … [flags]`. */
  readonly synopsis: string;
  readonly flags: Flags;
  run(args: Arguments, context: CommandContext): Promise<ExitCode>;
}
