/** Runs a program once for one task. */

import type { Readable } from 'node:stream';
import { messageOf } from '../core/errors.js';
import type { ServiceContext } from '../core/service.js';
import { invalidInput } from './input-errors.js';
import { crashed } from './isolation/isolation-errors.js';
import { LineReader } from './line-reader.js';
import { type GroupExit, type ProcessGroup, spawnGroup, TERM_GRACE_MS } from './process-group.js';
import { programFailed, programSaidNoJson, programTooLoud } from './subprocess-errors.js';
import { TextTail } from './text-tail.js';
import { waitAtMost } from './wait-at-most.js';

/** Stands for the text of the task in an argument. */
export const TASK_PLACEHOLDER = '{task}';

export interface OneShotCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: 'task' | 'json' | 'none' | undefined;
  readonly output?: 'text' | 'json' | undefined;
  readonly maxOutputBytes: number;
}

type Hooks = Pick<ServiceContext, 'kwargs' | 'signal' | 'progress' | 'log'>;

/** Longest single argument that Linux passes on, in bytes. */
const LONGEST_ARGUMENT_BYTES = 128 * 1024 - 1;
/** Longest line of stderr that is looked at for progress. */
const LONGEST_NOTE_BYTES = 8 * 1024;
/** How long what was written last may still be in the pipes, in milliseconds. */
const REST_MS = 100;
const PREVIEW_BYTES = 1024;

/**
 * Resolves with what the program wrote to stdout. A line on stderr like `{"progress":0.5,"message":"half"}` is progress.
 *
 * @throws OrchestratorError `SERVICE_FAILED` for an exit code, `CRASHED` for a signal, `RESULT_TOO_LARGE`,
 * `INVALID_INPUT` for a task that cannot be an argument; the signal's reason when it fires, once the group is gone.
 */
export async function runOnce(command: OneShotCommand, task: string, hooks: Hooks): Promise<unknown> {
  const { signal } = hooks;
  const args = argumentsFor(command.args, task);
  signal.throwIfAborted();
  const group = await spawnGroup({
    file: command.command,
    args,
    env: command.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(command.cwd !== undefined && { cwd: command.cwd }),
  });
  const stop = (): void => void group.end(TERM_GRACE_MS);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    const outcome = await watch(group, command, task, hooks);
    // An attempt that was given up is over when nothing of it runs.
    if (signal.aborted) await group.end();
    signal.throwIfAborted();
    return resultOf(command, outcome);
  } finally {
    signal.removeEventListener('abort', stop);
    for (const stream of group.child.stdio) stream?.destroy();
  }
}

interface Outcome extends GroupExit {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly isTooLoud: boolean;
}

async function watch(
  group: ProcessGroup,
  { stdin, args, maxOutputBytes }: OneShotCommand,
  task: string,
  hooks: Hooks,
): Promise<Outcome> {
  const { child } = group;
  const pieces: Buffer[] = [];
  const stderr = new TextTail();
  let sizeBytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (sizeBytes > maxOutputBytes) return;
    sizeBytes += chunk.length;
    pieces.push(chunk);
    if (sizeBytes <= maxOutputBytes) return;
    child.stdout?.pause();
    void group.end(0);
  });
  const notes = new LineReader({
    maxLineBytes: LONGEST_NOTE_BYTES,
    onLine: (line) => tellProgress(line, hooks),
    onTooLong: () => {},
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr.write(chunk);
    notes.write(chunk);
  });
  // A program that reads nothing closes the pipe: no fault.
  for (const stream of child.stdio) stream?.on('error', () => {});
  child.stdin?.end(inputFor(stdin, args, task, hooks.kwargs));
  const drained = Promise.all([ended(child.stdout), ended(child.stderr)]);
  const exit = await group.exited;
  await waitAtMost(REST_MS, drained);
  const stdout = Buffer.concat(pieces);
  return { ...exit, stdout, stderr: stderr.text, isTooLoud: sizeBytes > maxOutputBytes };
}

function resultOf(command: OneShotCommand, outcome: Outcome): unknown {
  const { exitCode, signal, stdout, stderr } = outcome;
  const { command: program, maxOutputBytes } = command;
  if (outcome.isTooLoud) {
    throw programTooLoud(program, maxOutputBytes, stdout.subarray(0, PREVIEW_BYTES).toString('utf8'));
  }
  if (signal !== null)
    throw crashed(`program "${program}"`, `signal ${signal}`, { exitCode, signal, stderr });
  if (exitCode !== 0) throw programFailed(program, exitCode, stderr);
  const text = stdout.toString('utf8');
  if (command.output !== 'json') return text.replace(/\r?\n$/, '');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw programSaidNoJson(program, text.slice(0, PREVIEW_BYTES), cause);
  }
}

/** The arguments with the task in its place. Nothing splits, expands or interprets them. */
function argumentsFor(args: readonly string[], task: string): string[] {
  const isGuarded = (index: number): boolean => args.slice(0, index).includes('--');
  return args.map((arg, index) => {
    if (!arg.includes(TASK_PLACEHOLDER)) return arg;
    if (task.includes('\0')) {
      throw invalidInput(
        'arguments',
        'The task has a NUL character, which no argument can hold; leave it out.',
      );
    }
    if (arg.startsWith(TASK_PLACEHOLDER) && task.startsWith('-') && !isGuarded(index)) {
      const message = `The task begins with "-" and could be taken for an option of the program; begin it otherwise, or put "--" before "${TASK_PLACEHOLDER}" in args.`;
      throw invalidInput('arguments', message);
    }
    const whole = arg.replaceAll(TASK_PLACEHOLDER, () => task);
    const sizeBytes = Buffer.byteLength(whole);
    if (sizeBytes <= LONGEST_ARGUMENT_BYTES) return whole;
    const message = `The task makes an argument of ${sizeBytes} bytes; at most ${LONGEST_ARGUMENT_BYTES} can be passed on. Make it shorter, or let the program read it from stdin.`;
    throw invalidInput('too-large', message, { sizeBytes });
  });
}

function inputFor(
  stdin: OneShotCommand['stdin'],
  args: readonly string[],
  task: string,
  kwargs: ServiceContext['kwargs'],
): string {
  const choice = stdin ?? (args.some((arg) => arg.includes(TASK_PLACEHOLDER)) ? 'none' : 'task');
  if (choice === 'none') return '';
  if (choice === 'task') return task;
  try {
    return `${JSON.stringify({ task, kwargs })}\n`;
  } catch (cause) {
    throw invalidInput(
      'arguments',
      `The kwargs cannot be written as JSON (${messageOf(cause)}); pass plain data.`,
      {},
      cause,
    );
  }
}

function tellProgress(line: string, { progress, log }: Hooks): void {
  if (!line.startsWith('{')) {
    log.debug({ line }, 'a program wrote to stderr');
    return;
  }
  try {
    const { progress: fraction, message } = JSON.parse(line) as Record<string, unknown>;
    if (typeof fraction === 'number') progress(fraction, typeof message === 'string' ? message : undefined);
  } catch {
    // Not for us.
  }
}

function ended(stream: Readable | null): Promise<void> {
  return new Promise((resolve) => {
    if (stream === null) resolve();
    else stream.once('close', resolve);
  });
}
