/** Owns: one process with its group and its output. Talks to: the code in it, by messages. */
import type { Readable } from 'node:stream';
import type { OrchestratorError } from '../../core/errors.js';
import { type ProcessGroup, spawnGroup } from '../process-group.js';
import { waitAtMost } from '../wait-at-most.js';
import { CappedOutput, MOST_OUTPUT_BYTES } from './capped-output.js';
import { GIVE_UP_MS, type Isolate } from './isolate.js';
import { crashed, stdoutTooLarge } from './isolation-errors.js';
import type { FromIsolate, ToIsolate } from './messages.js';

/** What to run in a process. */
export interface ProcessOptions {
  /** Node, or what behaves like it. */
  readonly file: string;
  /** From `processEntry()`, with what the entry needs behind it. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What dies when it dies, for messages: `process of module "/path/x.mjs"`. */
  readonly what: string;
}

/** How long messages and output of a process that has ended may still be on their way, in milliseconds. */
const REST_MS = 100;
/** Output that may wait for whoever reads our stderr, in bytes; beyond it is dropped instead of filling the memory. */
const MOST_BACKLOG_BYTES = 1024 * 1024;

/** Starts a process. @throws OrchestratorError as `spawnGroup()` does. */
export async function startProcess({ file, args, env, what }: ProcessOptions): Promise<Isolate> {
  const group = await spawnGroup({
    file,
    args,
    env,
    // The last one is a lifeline: the child ends when its other end, which only we have, is closed.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    serialization: 'advanced',
  });
  return new ProcessIsolate(group, what);
}

class ProcessIsolate implements Isolate {
  onMessage: (message: FromIsolate) => void = () => {};
  onGone: (reason: OrchestratorError) => void = () => {};
  readonly gone: Promise<OrchestratorError>;
  readonly abortGraceMs = GIVE_UP_MS / 2;
  readonly #group: ProcessGroup;
  readonly #what: string;
  readonly #stdout = new CappedOutput(toStderr);
  readonly #stderr = new CappedOutput(toStderr);
  #isEnding = false;
  #flood: OrchestratorError | undefined;

  constructor(group: ProcessGroup, what: string) {
    this.#group = group;
    this.#what = what;
    const { child } = group;
    child.on('message', (message) => this.onMessage(message as FromIsolate));
    child.stdout?.on('data', (chunk: Buffer) => this.#onStdout(child.stdout, chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk));
    // Nothing comes through the lifeline, but only a stream that is read notices its end.
    (child.stdio[4] as Readable | null)?.resume();
    this.gone = this.#whenGone().then((reason) => {
      this.onGone(reason);
      return reason;
    });
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get droppedBytes(): number {
    return this.#stderr.droppedBytes;
  }

  post(message: ToIsolate): void {
    if (message.type === 'run') {
      this.#stdout.reset();
      this.#stderr.reset();
    }
    if (this.#group.child.connected) this.#group.child.send(message);
  }

  keepAlive(isKept: boolean): void {
    this.#group.keepAlive(isKept);
  }

  end(graceMs: number): Promise<OrchestratorError> {
    this.#isEnding = true;
    void this.#group.end(graceMs);
    return this.gone;
  }

  /** Stdout is no way to answer: a flood of it is stopped, not read. */
  #onStdout(stdout: Readable | null, chunk: Buffer): void {
    if (this.#flood) return;
    this.#stdout.write(chunk);
    if (!this.#stdout.isFull) return;
    stdout?.pause();
    this.#flood = stdoutTooLarge(this.#what, MOST_OUTPUT_BYTES, this.#stdout.tail);
    void this.end(0);
  }

  async #whenGone(): Promise<OrchestratorError> {
    const { child, exited } = this.#group;
    // What it said last may still be in the pipes when it has ended; a process that left its group may hold them open
    // for ever.
    const rest = Promise.all([
      new Promise<void>((resolve) => child.once('close', () => resolve())),
      new Promise<void>((resolve) => child.once('disconnect', resolve)),
    ]);
    const { exitCode, signal } = await exited;
    await waitAtMost(REST_MS, rest);
    for (const stream of child.stdio) stream?.destroy();
    // Others of its group may have until the end of a grace.
    if (this.#isEnding) await this.#group.end();
    if (this.#flood) return this.#flood;
    const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
    return crashed(this.#what, how, { exitCode, signal, stderr: this.#stderr.tail });
  }
}

function toStderr(chunk: Uint8Array): void {
  if (process.stderr.writableLength < MOST_BACKLOG_BYTES) process.stderr.write(chunk);
}
