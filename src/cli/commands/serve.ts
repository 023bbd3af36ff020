import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../core/environment.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import { logTasks } from '../../inspect/task-log.js';
import { watchEventLoop } from '../../services/event-loop-watch.js';
import type { Command } from '../command.js';
import { ENGINE_FLAGS } from '../engine-flags.js';
import { EXIT, type ExitCode, UsageError } from '../exit-code.js';
import { FLIGHT_RECORDER_FLAGS, recordFlight } from '../flight-recorder-file.js';
import { HISTORY_FLAG, recordHistory } from '../history-file.js';
import { HTTP_FLAGS, httpSettingsOf } from '../http-flags.js';
import { keepInStep } from '../keep-in-step.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';
import { refuseWords } from '../positionals.js';
import { checkLogLevel, LOG_FLAGS } from '../stderr-log.js';
import { listenForStop } from '../stop-signals.js';
import { openTaskDoor } from '../tasks/open-desk.js';
import { prepareWindows, WINDOW_FLAGS } from '../windows.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Serve MCP over stdin and stdout (for Claude, Cursor, VS Code and other clients), or over HTTP',
  synopsis: '[flags]',
  flags: {
    'unhandled-rejections': {
      type: 'string',
      value: 'exit|log',
      help: 'What happens when a service leaves a rejected promise behind (default: exit with 70)',
    },
    'drain-seconds': {
      type: 'string',
      value: 'SECONDS',
      help: 'How long accepted work goes on when the process is asked to stop or its client leaves (default: 10)',
    },
    ...HTTP_FLAGS,
    ...WINDOW_FLAGS,
    ...LOG_FLAGS,
    ...HISTORY_FLAG,
    ...FLIGHT_RECORDER_FLAGS,
    ...ENGINE_FLAGS,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { log, version, terminal }) {
    refuseWords(args, 'serve');
    checkLogLevel(args);
    const policy = args.text('unhandled-rejections') ?? 'exit';
    if (policy !== 'exit' && policy !== 'log') {
      throw new UsageError(`--unhandled-rejections must be exit or log, not "${policy}".`);
    }
    const drainSeconds = args.number('drain-seconds', { least: 0 });
    const settings = await httpSettingsOf(args);
    // Both sides load at the same time.
    if (settings === undefined) loadFace().catch(() => {});
    const windows = await prepareWindows(args);
    const { openOrchestrator } = await import('../built-in-orchestrator.js');
    const opened = await openOrchestrator(args, log, { ...windows, acceptsTasks: true });
    const { orchestrator } = opened;
    const openWindows = await windows.open(orchestrator, { log, version, terminal });
    const history = recordHistory(orchestrator, args, log);
    const stopRecording = recordFlight(orchestrator, args, log);
    const watch = watchEventLoop({ running: () => orchestrator.runningTasks(), log });
    orchestrator.on('event', (event) => event.type === 'started' && watch.started(event.service));
    const stopLogging = logTasks(orchestrator, log);
    const stopFollowing = keepInStep(opened);
    const door = await openTaskDoor(orchestrator, opened.engine, log);
    try {
      await history.opened;
      const options = { log, version, ...(drainSeconds !== undefined && { drainSeconds }) };
      if (settings === undefined) return await serveUntilEnd(orchestrator, options);
      const { serveOverHttp } = await import('./serve-over-http.js');
      return await serveOverHttp(orchestrator, { ...options, settings, tell: terminal.tell });
    } finally {
      await openWindows.close();
      door.close();
      stopFollowing();
      watch.stop();
      stopRecording();
      stopLogging();
      await history.close();
    }
  },
};

/** What serving needs beside the orchestrator. */
export interface ServeOptions {
  readonly log: Log;
  readonly version: string;
  /** How long accepted work goes on at the end, in seconds. Default: what the orchestrator's configuration says. */
  readonly drainSeconds?: number;
}

/**
 * Serves one client until it leaves or the process is asked to stop. On a signal the accepted work goes on for
 * `drainSeconds` and its answers are still sent; when the client leaves, its calls are cancelled, and runs whose id it was
 * told go on as long.
 */
export async function serveUntilEnd(
  orchestrator: OrchestratorPort,
  { log, version, drainSeconds }: ServeOptions,
): Promise<ExitCode> {
  const { serveStdio } = await loadFace();
  const stop = listenForStop();
  const connection = serveStdio(orchestrator, { log, version });
  const drain = () => orchestrator.close(drainSeconds === undefined ? {} : { drainSeconds });
  const end = await Promise.race([connection.ended, stop.first]);
  if (typeof end === 'string') {
    log.info({ signal: end }, 'draining');
    await drain();
    await connection.close();
    return EXIT.success;
  }
  if (end.exitCode !== 0) log.error({ reason: end.cause?.message }, 'the connection broke');
  await drain();
  // Services have been told to stop; the turn lets them say so before the process ends.
  await nextTurn();
  return end.exitCode;
}

function loadFace(): Promise<typeof import('../../mcp/stdio.js')> {
  return import('../../mcp/stdio.js');
}
