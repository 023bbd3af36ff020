import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Log } from '../core/environment.js';
import { messageOf } from '../core/errors.js';
import type { RuntimeEvent } from '../core/events.js';
import { limitsOf, type RecordedOrchestrator, withoutTexts } from '../inspect/history-lines.js';
import { ConfigurationError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';

export const HISTORY_FLAG: Flags = {
  history: {
    type: 'string',
    value: 'FILE',
    help: 'Write every fact of every task to FILE, for gaffr doctor',
  },
};

/** A history that is being written. */
export interface HistoryFile {
  /** Resolves once the file is open. @throws ConfigurationError when it cannot be written: nothing should begin then. */
  readonly opened: Promise<void>;
  /** Resolves once everything is in the file. @throws ConfigurationError when not all of it could be written. */
  close(): Promise<void>;
}

/**
 * Writes what happens to the file of `--history`, one JSON object a line, the limits of the run first. Results and texts
 * of tasks are left out. A fault while it is written is logged at once, and nothing more is written. Does nothing without
 * the flag.
 */
export function recordHistory(orchestrator: RecordedOrchestrator, args: Arguments, log: Log): HistoryFile {
  const path = args.text('history');
  if (path === undefined) return { opened: Promise.resolve(), close: async () => {} };
  const file = createWriteStream(path, { mode: 0o600 });
  const refuse = (cause: unknown): never => {
    const message = `--history ${path} cannot be written: ${messageOf(cause)}; name a file that can`;
    throw new ConfigurationError(message, { cause });
  };
  const opened = once(file, 'open').then(() => {}, refuse);
  const written = finished(file).catch(refuse);
  // Their faults are told to those who wait for them.
  for (const promise of [opened, written]) promise.catch(() => {});
  const write = (line: object): void => void file.write(`${JSON.stringify(line)}\n`);
  const onEvent = (event: RuntimeEvent): void => write(withoutTexts(event));
  const stop = (): void => void orchestrator.off('event', onEvent);
  file.once('error', stop);
  file.once('open', () =>
    file.once('error', (cause) =>
      log.error({ file: path, cause }, 'the history cannot be written any further'),
    ),
  );
  write({ type: 'limits', ...limitsOf(orchestrator) });
  orchestrator.on('event', onEvent);
  return {
    opened,
    async close() {
      stop();
      file.end();
      await written;
    },
  };
}
