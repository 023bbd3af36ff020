#!/usr/bin/env node
/** The command line: the only place that reads argv and ends the process. */
import { endOnFatalFault } from './fatal-fault.js';
import { packageVersion, runProgram } from './program.js';
import { stderrLog } from './stderr-log.js';
import { processTerminal } from './terminal.js';

const argv = process.argv.slice(2);
// A server tells its operator what happens; a command that people wait for only warns.
const log = stderrLog(argv[0] === 'serve' ? 'info' : 'warn');

endOnFatalFault(log);
process.exit(await runProgram(argv, { terminal: processTerminal(), log, version: packageVersion() }));
