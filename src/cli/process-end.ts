/**
 * Owns: which signals somebody takes. Talks to: the process.
 *
 * A signal that nobody takes would end the process without its `exit` event, and what it has started would live on: a child
 * is in a group of its own, which neither a terminal nor a shell reaches.
 */

import { constants } from 'node:os';

/** Signals that terminals, shells and people send, and that end a process unless it takes them. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const;

/** A signal that ends the process unless somebody takes it. */
export type EndingSignal = (typeof ENDING)[number];

const isWindows = process.platform === 'win32';
const taken = new Map<EndingSignal, number>();

/**
 * Ends the process in order, with what it has started, at each signal that nobody takes. The exit code is the one by which
 * shells tell a signal: 129 for SIGHUP.
 */
export function endAtSignals(): void {
  for (const name of ENDING) {
    // Windows knows no others.
    if (isWindows && name !== 'SIGHUP' && name !== 'SIGINT') continue;
    process.on(name, () => {
      if (!taken.get(name)) process.exit(128 + constants.signals[name]);
    });
  }
}

/** Takes a signal, so that it does not end the process until the returned function is called. */
export function takeSignal(name: EndingSignal, listener: (name: NodeJS.Signals) => void): () => void {
  const count = (more: number): void => void taken.set(name, (taken.get(name) ?? 0) + more);
  let isMine = true;
  count(1);
  process.on(name, listener);
  return () => {
    if (!isMine) return;
    isMine = false;
    count(-1);
    process.off(name, listener);
  };
}
