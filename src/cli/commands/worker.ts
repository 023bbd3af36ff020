import type { Log } from '../../core/environment.js';
import { logTasks } from '../../inspect/task-log.js';
import type { Orchestrator } from '../../orchestrator.js';
import type { Worker, WorkerOptions } from '../../worker.js';
import type { OpenedOrchestrator, OpenOptions } from '../built-in-orchestrator.js';
import type { Command } from '../command.js';
import { RESTATE_FLAGS } from '../engine-flags.js';
import { EXIT, UsageError } from '../exit-code.js';
import type { Arguments, Flags } from '../flags.js';
import { FLIGHT_RECORDER_FLAGS, recordFlight } from '../flight-recorder-file.js';
import { HISTORY_FLAG, recordHistory } from '../history-file.js';
import { keepInStep } from '../keep-in-step.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';
import { refuseWords } from '../positionals.js';
import { checkLogLevel, LOG_FLAGS } from '../stderr-log.js';
import { listenForStop } from '../stop-signals.js';
import { prepareWindows, WINDOW_FLAGS } from '../windows.js';

/** Where a worker is reached. */
export const DOOR_FLAGS: Flags = {
  host: { type: 'string', value: 'ADDRESS', help: 'Address to listen on (default: 127.0.0.1)' },
  port: { type: 'string', value: 'PORT', help: 'Port to listen on; 0 is any free one (default: 9080)' },
  url: {
    type: 'string',
    value: 'URL',
    help: 'Where the server reaches the workers, if not there: a balancer',
  },
  'identity-key': {
    type: 'string',
    multiple: true,
    value: 'KEY',
    help: 'Public key of the server, publickeyv1_…; requests of others are refused. Repeatable',
  },
};

export const workerCommand: Command = {
  name: 'worker',
  summary: 'Run the tasks that others accept with --engine restate',
  synopsis: '[flags]',
  flags: {
    engine: { type: 'string', value: 'restate', help: 'Engine whose tasks are run (default: restate)' },
    ...RESTATE_FLAGS,
    ...DOOR_FLAGS,
    ...WINDOW_FLAGS,
    ...LOG_FLAGS,
    ...HISTORY_FLAG,
    ...FLIGHT_RECORDER_FLAGS,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { log, version, terminal }) {
    refuseWords(args, 'worker');
    checkLogLevel(args);
    const windows = await prepareWindows(args);
    const opened = await openWorker(args, log, windows);
    const { worker, orchestrator } = opened;
    const openWindows = await windows.open(orchestrator, { log, version, terminal });
    const history = recordHistory(orchestrator, args, log);
    const stopRecording = recordFlight(orchestrator, args, log);
    const stopLogging = logTasks(orchestrator, log);
    const stopFollowing = keepInStep(opened);
    const stop = listenForStop();
    try {
      await history.opened;
      terminal.tell(`Worker at ${worker.url}; press Ctrl-C to stop it.`);
      const signal = await stop.first;
      log.info({ signal }, 'draining');
      await worker.close();
      return EXIT.success;
    } finally {
      await openWindows.close();
      stopFollowing();
      stopRecording();
      stopLogging();
      await history.close();
      stop.dispose();
    }
  },
};

/** What the command says of a worker beside its command line. */
export interface WorkerPlace extends Pick<OpenOptions, 'inspect'> {
  /** The server that it belongs to. Default: what the flags and the file say. */
  readonly server?: { readonly ingressUrl: string; readonly adminUrl: string };
  /** Default: what the flags say, else 9080. */
  readonly port?: number;
}

/**
 * Starts the worker that a command line means.
 *
 * @throws UsageError, ConfigurationError as `openOrchestrator`, and when the server is not what is needed.
 */
export async function openWorker(
  args: Arguments,
  log: Log,
  { inspect, server, port }: WorkerPlace = {},
): Promise<OpenedOrchestrator & { readonly worker: Worker }> {
  const kind = args.text('engine');
  if (kind !== undefined && kind !== 'restate')
    throw new UsageError(`--engine must be restate, which alone has workers, not "${kind}".`);
  const door = doorOf(args);
  const { startWorker } = await import('../../worker.js');
  let resolve: (worker: Worker) => void = () => {};
  const started = new Promise<Worker>((resolveIt) => {
    resolve = resolveIt;
  });
  const makeWorker = async (options: WorkerOptions): Promise<Orchestrator> => {
    const engine = { ...options.engine, ...server } as WorkerOptions['engine'];
    const worker = await startWorker({ ...options, engine, ...(port !== undefined && { port }), ...door });
    resolve(worker);
    return worker.orchestrator;
  };
  const { openOrchestrator } = await import('../built-in-orchestrator.js');
  const opened = await openOrchestrator(args, log, { ...(inspect && { inspect }), makeWorker });
  return { ...opened, worker: await started };
}

function doorOf(args: Arguments): Pick<WorkerOptions, 'host' | 'port' | 'url' | 'identityKeys'> {
  const host = args.text('host');
  const port = args.number('port', { least: 0, most: 65_535, isWhole: true });
  const url = args.text('url');
  if (url !== undefined && !URL.canParse(url))
    throw new UsageError(`--url must be an address such as http://workers.internal:9080, not "${url}".`);
  const identityKeys = args.texts('identity-key');
  return {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(url !== undefined && { url }),
    ...(identityKeys.length > 0 && { identityKeys }),
  };
}
