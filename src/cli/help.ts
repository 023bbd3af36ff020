import type { Command } from './command.js';
import type { Flags } from './flags.js';

/** The help of the whole program. */
export function programHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  gaffr ${name.padEnd(width)}  ${summary}`);
  return `gaffr routes each task to the right service, and serves that over MCP.

Commands:
${lines.join('\n')}

gaffr COMMAND --help shows the flags of a command; gaffr --version the version.
Results go to stdout, everything else to stderr.
Exit codes: 0 success, 1 a task failed, 2 usage, 3 configuration, 75 in use by another process.`;
}

/** The help of one command. */
export function commandHelp({ name, summary, synopsis, flags }: Command): string {
  return `${summary}.\n\nUsage: gaffr ${name} ${synopsis}\n\nFlags:\n${flagLines(flags)}`;
}

function flagLines(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { value, help }]): [string, string] => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`).join('\n');
}
