import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a process of `child.mjs` is given. */
export interface Life {
  /** The file of the journal. */
  readonly journal: string;
  /** The file of what was promised. */
  readonly promises: string;
  /** Begins the ids of its tasks; with `last` it only ends what is left. */
  readonly name: string;
  readonly load?: 'small' | 'mixed';
}

/** What it says once all that was left is done. */
export interface Start {
  /** From the opening of the journal. */
  readonly recoveryMs: number;
  /** The same from the start of the process. */
  readonly restartMs: number;
}

export function startLife({ journal, promises, name, load = 'small' }: Life): ChildProcess {
  const args = [journal, promises, name, load];
  return fork(fileURLToPath(new URL('child.mjs', import.meta.url)), args, { execArgv: [] });
}

export async function readyOf(child: ChildProcess): Promise<Start> {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the process ended before it was ready');
    }),
  ]);
  return message;
}

/** Resolves once it is dead. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
