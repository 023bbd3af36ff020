import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
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
  /** Resolves once everything is in the file. */
  close(): Promise<void>;
}

/**
 * Writes what happens to the file of `--history`, one JSON object a line, the limits of the run first. Results and texts
 * of tasks are left out. Does nothing without the flag.
 */
export function recordHistory(orchestrator: RecordedOrchestrator, args: Arguments): HistoryFile {
  const path = args.text('history');
  if (path === undefined) return { close: async () => {} };
  const file = createWriteStream(path, { mode: 0o600 });
  const written = finished(file).catch((cause) => {
    throw new ConfigurationError(`--history ${path} cannot be written: ${cause.message}`, { cause });
  });
  // Its fault is told when the history is closed.
  written.catch(() => {});
  const write = (line: object): void => void file.write(`${JSON.stringify(line)}\n`);
  const onEvent = (event: RuntimeEvent): void => write(withoutTexts(event));
  write({ type: 'limits', ...limitsOf(orchestrator) });
  orchestrator.on('event', onEvent);
  return {
    async close() {
      orchestrator.off('event', onEvent);
      file.end();
      await written;
    },
  };
}
