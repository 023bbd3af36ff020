import { accessSync, constants, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Log } from '../core/environment.js';
import { messageOf } from '../core/errors.js';
import { createFlightRecorder, DEFAULT_KEEP_EVENTS } from '../inspect/flight-recorder.js';
import type { RecordedOrchestrator } from '../inspect/history-lines.js';
import { ConfigurationError, UsageError } from './exit-code.js';
import { onFatalFault } from './fatal-fault.js';
import type { Arguments, Flags } from './flags.js';
import { takeSignal } from './process-end.js';

export const FLIGHT_RECORDER_FLAGS: Flags = {
  'flight-recorder': {
    type: 'string',
    value: 'FILE',
    help: 'Keep the latest facts in memory and write them to FILE at a fatal fault and at SIGUSR2, for gaffr doctor',
  },
  'keep-events': {
    type: 'string',
    value: 'COUNT',
    help: `How many facts the flight recorder keeps (default: ${DEFAULT_KEEP_EVENTS})`,
  },
};

/** The signal that asks for the facts. */
const SIGNAL = 'SIGUSR2';

/**
 * Records the latest facts when `--flight-recorder` asks for it, and writes them at {@link SIGNAL} and at a fault that ends
 * the process. Returns what ends that.
 *
 * @throws UsageError for a bad count, ConfigurationError when the file is a folder or its folder cannot be written.
 */
export function recordFlight(orchestrator: RecordedOrchestrator, args: Arguments, log: Log): () => void {
  const path = args.text('flight-recorder');
  const keepEvents = args.number('keep-events', { least: 1, isWhole: true });
  if (path === undefined) {
    if (keepEvents !== undefined) throw new UsageError('--keep-events needs --flight-recorder FILE.');
    return () => {};
  }
  const file = resolve(path);
  checkPlace(file, path);
  const recorder = createFlightRecorder(orchestrator, keepEvents === undefined ? {} : { keepEvents });
  const write = (reason: string): void => {
    try {
      replaceFile(file, recorder.toNdjson(reason));
      log.info({ file, reason, facts: recorder.kept, dropped: recorder.dropped }, 'wrote the flight record');
    } catch (cause) {
      log.error({ file, reason, err: cause }, 'the flight record cannot be written');
    }
  };
  const onSignal = (): void => write(SIGNAL);
  // Elsewhere there is no such signal.
  const giveBack = process.platform === 'win32' ? () => {} : takeSignal(SIGNAL, onSignal);
  const forget = onFatalFault(write);
  return () => {
    forget();
    giveBack();
    recorder.stop();
  };
}

/** A fault is the wrong moment to find out that the file cannot be written. */
function checkPlace(file: string, path: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
      throw new Error('it is a folder; name a file');
  } catch (cause) {
    const why = messageOf(cause);
    throw new ConfigurationError(`--flight-recorder ${path} cannot be written: ${why}`, { cause });
  }
}

/**
 * Writes at once, for a process that is about to end, and so that two writes never mix. Whoever reads the file finds the
 * former record or this one, never half of it.
 */
function replaceFile(file: string, text: string): void {
  const beside = `${file}.${process.pid}.part`;
  try {
    // What a process of the same id left behind is not written through: it might be a link.
    rmSync(beside, { force: true });
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx' });
    renameSync(beside, file);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw cause;
  }
}
