import { packageVersion } from '../core/package-version.js';
import { EXIT } from './exit-code.js';
import { endOnFatalFault } from './fatal-fault.js';
import { endAtSignals } from './process-end.js';
import { processRedactor } from './process-redactor.js';
import { runProgram } from './program.js';
import { redactWrites } from './redact-writes.js';
import { logLevelOf, stderrLog } from './stderr-log.js';
import { processTerminal } from './terminal.js';

/** Runs the command line: the only place that reads argv and ends the process. */
export async function start(): Promise<never> {
  const argv = process.argv.slice(2);
  redactWrites(process.stderr, processRedactor);
  // A server's stdout belongs to the protocol, whose own words must stay: there services' words are cleaned one by one.
  if (argv[0] !== 'serve') redactWrites(process.stdout, processRedactor);

  // A server tells its operator what happens; a command that people wait for only warns.
  const level = logLevelOf(argv, argv[0] === 'serve' ? 'info' : 'warn');
  const log = stderrLog(level, { isPretty: process.stderr.isTTY === true });

  // Read where it is needed: a wrong value is told with the other flags.
  const rejections = () => (argv.join('=').includes('--unhandled-rejections=log') ? 'log' : 'exit');
  endOnFatalFault(log, rejections);
  endAtSignals();
  const terminal = processTerminal();
  const exitCode = await runProgram(argv, { terminal, log, version: packageVersion });
  // A script that goes by the exit code must not go on with half a result.
  process.exit(exitCode === EXIT.success && terminal.hasLostOutput ? EXIT.taskFailed : exitCode);
}
