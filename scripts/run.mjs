/** What the scripts share: where the checkout is, how a command runs, how a step and its failure are told. */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Absolute path of the checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * Runs a command to its end, with no standard input. Its stdout goes to stderr, so that a script's own stdout stays
 * clean.
 *
 * @param {readonly string[]} command - Program and arguments. `npm` is the very npm that started this script, if one did.
 * @param {string} folder - Where to run it.
 * @throws {Error} A sentence with the exit code when the command fails.
 */
export function run(command, folder) {
  const npm = process.env.npm_execpath;
  // npm is a shell script on Windows, which spawn cannot start; its JavaScript file runs everywhere.
  const isNpmFile = command[0] === 'npm' && npm?.endsWith('npm-cli.js') === true;
  const [program = '', ...args] = isNpmFile ? [process.execPath, npm, ...command.slice(1)] : command;
  const { status, signal, error } = spawnSync(program, args, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    const reason = error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`);
    throw new Error(`"${command.join(' ')}" failed in ${folder}: ${reason}`);
  }
}

/**
 * Prints one line on stderr.
 *
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/**
 * Runs the steps of a script; a failure is one line on stderr and exit code 1, without a stack trace.
 *
 * @param {() => void} steps
 */
export function runSteps(steps) {
  try {
    steps();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/**
 * Whether a module is the program that Node was started with, rather than imported by another.
 *
 * @param {string} moduleUrl - Its `import.meta.url`.
 */
export function isMain(moduleUrl) {
  const program = process.argv[1];
  // Node follows links before it gives a module its address.
  return program !== undefined && realpathSync(program) === fileURLToPath(moduleUrl);
}
