/** Owns: one process that reads and writes JSON lines, with its group. Talks to: the program in it, by lines. */

import type { OrchestratorError } from '../core/errors.js';
import { previewOf } from '../core/size.js';
import { describeFault } from './isolation/fault.js';
import { GIVE_UP_MS, type Isolate } from './isolation/isolate.js';
import { crashed } from './isolation/isolation-errors.js';
import type { FromIsolate, ToIsolate } from './isolation/messages.js';
import type { ModuleJob } from './isolation/module-jobs.js';
import { LineReader } from './line-reader.js';
import { type ProcessGroup, spawnGroup } from './process-group.js';
import { saidError } from './said-error.js';
import { programTooLoud } from './subprocess-errors.js';
import { TextTail } from './text-tail.js';
import { waitAtMost } from './wait-at-most.js';

/** What to run. */
export interface JsonLinesCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly maxOutputBytes: number;
  /** For messages: `process "python3"`. */
  readonly what: string;
}

/** Beside the result, a line holds its id and names. */
const ENVELOPE_BYTES = 1024;
/** Lines that are no answers which a process may write during one job. */
const MOST_STRAY_BYTES = 1024 * 1024;
/** Progress that is passed on, per second. */
const MOST_NOTES_PER_SECOND = 100;
/** How long what a dead process wrote last may still be in the pipe, in milliseconds. */
const REST_MS = 100;

/** Starts a process. @throws OrchestratorError as `spawnGroup()` does. */
export async function startJsonLines(command: JsonLinesCommand): Promise<Isolate> {
  const group = await spawnGroup({
    file: command.command,
    args: command.args,
    env: command.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(command.cwd !== undefined && { cwd: command.cwd }),
  });
  return new JsonLinesProcess(group, command);
}

class JsonLinesProcess implements Isolate {
  onMessage: (message: FromIsolate) => void = () => {};
  onGone: (reason: OrchestratorError) => void = () => {};
  readonly gone: Promise<OrchestratorError>;
  readonly abortGraceMs = GIVE_UP_MS / 2;
  /** What is written to stderr is kept for messages only. */
  readonly droppedBytes = 0;
  readonly #group: ProcessGroup;
  readonly #command: JsonLinesCommand;
  readonly #stderr = new TextTail();
  #isEnding = false;
  #flood: OrchestratorError | undefined;
  #strayBytes = 0;
  #notes = { sinceMs: 0, count: 0 };

  constructor(group: ProcessGroup, command: JsonLinesCommand) {
    this.#group = group;
    this.#command = command;
    const { stdin, stdout, stderr } = group.child;
    const lines = new LineReader({
      maxLineBytes: command.maxOutputBytes + ENVELOPE_BYTES,
      onLine: (line) => this.#onLine(line),
      onTooLong: (beginning) => this.#stop(beginning),
    });
    stdout?.on('data', (chunk: Buffer) => lines.write(chunk));
    stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk));
    for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => {});
    this.gone = this.#whenGone().then((reason) => {
      this.onGone(reason);
      return reason;
    });
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  post(message: ToIsolate): void {
    const { stdin } = this.#group.child;
    if (message.type === 'close') stdin?.end();
    else if (message.type === 'abort') this.#write({ type: 'cancel', id: message.id });
    else {
      this.#strayBytes = 0;
      this.#write({ id: message.id, ...(message.job as ModuleJob) });
    }
  }

  keepAlive(isKept: boolean): void {
    this.#group.keepAlive(isKept);
  }

  end(graceMs: number): Promise<OrchestratorError> {
    this.#isEnding = true;
    void this.#group.end(graceMs);
    return this.gone;
  }

  #write(line: object): void {
    // Written first: what is no JSON (a cycle, a BigInt) is a fault of the input, told by the throw.
    const text = JSON.stringify(line);
    const { stdin } = this.#group.child;
    if (stdin?.writable) stdin.write(`${text}\n`);
  }

  #onLine(line: string): void {
    if (this.#flood || line.trim() === '') return;
    const said = parse(line);
    const { id } = said ?? {};
    if (said === null || typeof id !== 'number') {
      this.#strayBytes += line.length + 1;
      if (this.#strayBytes > MOST_STRAY_BYTES) this.#stop(line);
      return;
    }
    if ('result' in said) this.onMessage({ type: 'value', id, value: said.result });
    else if ('error' in said) {
      const fault = describeFault(saidError(said.error, this.#command.what));
      this.onMessage({ type: 'fault', id, fault, isUnusable: false });
    } else if (typeof said.progress === 'number' && this.#mayNote()) {
      const text = typeof said.message === 'string' ? { message: said.message } : {};
      this.onMessage({ type: 'progress', id, fraction: said.progress, ...text });
    }
  }

  #mayNote(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#notes.sinceMs > 1000) this.#notes = { sinceMs: nowMs, count: 0 };
    this.#notes.count += 1;
    return this.#notes.count <= MOST_NOTES_PER_SECOND;
  }

  #stop(beginning: string): void {
    if (this.#flood) return;
    const { command, maxOutputBytes } = this.#command;
    this.#flood = programTooLoud(command, maxOutputBytes, previewOf(beginning));
    this.#group.child.stdout?.pause();
    void this.end(0);
  }

  async #whenGone(): Promise<OrchestratorError> {
    const { child, exited } = this.#group;
    const drained = new Promise<void>((resolve) => child.stdout?.once('close', resolve));
    const { exitCode, signal } = await exited;
    await waitAtMost(REST_MS, drained);
    for (const stream of child.stdio) stream?.destroy();
    if (this.#isEnding) await this.#group.end();
    if (this.#flood) return this.#flood;
    const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
    return crashed(this.#command.what, how, { exitCode, signal, stderr: this.#stderr.text });
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const said = JSON.parse(line);
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? said : null;
  } catch {
    return null;
  }
}
