/**
 * Owns: child processes, each the leader of a process group of its own, and their end. Talks to: the operating system.
 *
 * - L1 A group gets signals only while it exists: its number may be given to others later.
 * - L2 A child that ends by itself takes its whole group with it, and so does the orderly exit of this process.
 * - L3 `end()` resolves once no process of the group runs any more.
 *
 * On Windows there are no groups: only the child itself is ended there.
 */
import type { ChildProcess, SerializationType } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { messageOf, OrchestratorError } from '../core/errors.js';

/** What to start. There is no shell: an argument stays one argument, whatever it holds. */
export interface GroupCommand {
  /** A path, or a name that is looked up in the PATH of `env`. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment of the child; see `childEnvironment()`. */
  readonly env: Readonly<Record<string, string>>;
  /** Never `inherit`: our stdout may belong to a protocol. */
  readonly stdio: readonly ('ignore' | 'pipe' | 'ipc')[];
  /** How messages of an `ipc` channel are copied. Default: as JSON. */
  readonly serialization?: SerializationType;
}

/** How a child ended: one of both is null. */
export interface GroupExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long a group may take to end after SIGTERM, in milliseconds; then SIGKILL. */
export const TERM_GRACE_MS = 2000;
/** How long the kernel may take to carry out a SIGKILL, in milliseconds. */
const KILL_WAIT_MS = 1000;
const POLL_MS = 10;
/** Faults of spawning that pass: too many open files or processes, no memory. */
const PASSING = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'];

const isWindows = process.platform === 'win32';
const live = new Set<ProcessGroup>();
const killAll = (): void => {
  for (const group of live) group.signal('SIGKILL');
};

/**
 * Starts a child as the leader of a process group of its own.
 *
 * @throws OrchestratorError `SERVICE_UNAVAILABLE`: retryable when the machine lacks room just now, not when the command
 * is missing or may not be run.
 */
export async function spawnGroup(command: GroupCommand): Promise<ProcessGroup> {
  // Loading it takes longer than all of this library's own services; most processes start no child.
  const { spawn } = process.getBuiltinModule('node:child_process');
  let child: ChildProcess;
  try {
    child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: { ...command.env },
      stdio: [...command.stdio],
      ...(command.serialization && { serialization: command.serialization }),
      shell: false,
      detached: !isWindows,
      windowsHide: true,
    });
  } catch (cause) {
    throw spawnFailed(command.file, cause);
  }
  const group = new ProcessGroup(child);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(spawnFailed(command.file, cause)));
  });
  return group;
}

/** A child and whatever it starts. Made by {@link spawnGroup}. */
export class ProcessGroup {
  readonly child: ChildProcess;
  /** Resolves when the child itself has ended; the others of its group are dead or dying then. */
  readonly exited: Promise<GroupExit>;
  #hasExited = false;
  #isGone: boolean;
  #ending: Promise<void> | undefined;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#isGone = child.pid === undefined;
    if (!this.#isGone) keep(this);
    // A message that cannot be sent any more is no reason to end this process; that the child is gone is told by `exit`.
    child.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.once('exit', (exitCode, signal) => {
        this.#hasExited = true;
        if (this.#ending === undefined) {
          this.signal('SIGKILL');
          this.#leave();
        }
        resolve({ exitCode, signal });
      });
    });
  }

  /** Sends a signal to every process of the group; does nothing once it is gone. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (this.#isGone || pid === undefined) return;
    try {
      if (isWindows) this.child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // ESRCH: it is gone already.
    }
  }

  /** Ends the group: SIGTERM, and SIGKILL for whatever runs after `graceMs`. A further call waits for the same end. */
  end(graceMs: number = TERM_GRACE_MS): Promise<void> {
    this.#ending ??= this.#isGone ? Promise.resolve() : this.#end(graceMs);
    return this.#ending;
  }

  /** Whether the child keeps this process alive. */
  keepAlive(isKept: boolean): void {
    const { child } = this;
    const method = isKept ? 'ref' : 'unref';
    child[method]();
    child.channel?.[method]();
    for (const stream of child.stdio) (stream as Socket | null)?.[method]?.();
  }

  async #end(graceMs: number): Promise<void> {
    this.signal('SIGTERM');
    if (!(await this.#isEmptyWithin(graceMs))) {
      this.signal('SIGKILL');
      await this.#isEmptyWithin(KILL_WAIT_MS);
    }
    this.#leave();
  }

  async #isEmptyWithin(ms: number): Promise<boolean> {
    const untilMs = performance.now() + ms;
    while (!this.#isEmpty()) {
      if (performance.now() >= untilMs) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  }

  #isEmpty(): boolean {
    const { pid } = this.child;
    if (pid === undefined) return true;
    if (!this.#hasExited) return false;
    if (isWindows) return true;
    try {
      process.kill(-pid, 0);
    } catch {
      return true;
    }
    // Some may be dead and not yet buried by init, which can take seconds in a container.
    return process.platform === 'linux' && !hasLiveMember(pid);
  }

  #leave(): void {
    this.#isGone = true;
    live.delete(this);
    if (live.size === 0) process.off('exit', killAll);
  }
}

function keep(group: ProcessGroup): void {
  if (live.size === 0) process.on('exit', killAll);
  live.add(group);
}

/** Linux: whether any process of the group is no zombie. */
function hasLiveMember(groupId: number): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // "pid (name) state parent group …"; the name may hold anything, parentheses too.
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(group) === groupId && state !== 'Z' && state !== 'X';
    } catch {
      // It ended in the meantime.
      return false;
    }
  });
}

function spawnFailed(file: string, cause: unknown): OrchestratorError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  const retryable = code !== null && PASSING.includes(code);
  const advice = retryable
    ? 'it is tried again; close other programs or raise the limits of open files and processes'
    : 'check that the command and its working directory exist and that it may be run';
  const message = `"${file}" could not be started (${code ?? messageOf(cause)}); ${advice}.`;
  return new OrchestratorError(
    'SERVICE_UNAVAILABLE',
    message,
    { command: file, reason: code },
    { cause, retryable },
  );
}
