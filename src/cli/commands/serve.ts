import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../core/environment.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import { watchEventLoop } from '../../services/event-loop-watch.js';
import { createBuiltInOrchestrator, ORCHESTRATOR_FLAGS } from '../built-in-orchestrator.js';
import type { Command } from '../command.js';
import { EXIT, type ExitCode, UsageError } from '../exit-code.js';
import { HISTORY_FLAG, recordHistory } from '../history-file.js';
import { listenForStop } from '../stop-signals.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Serve MCP over stdin and stdout (for Claude, Cursor, VS Code and other clients)',
  synopsis: '[flags]',
  flags: {
    'unhandled-rejections': {
      type: 'string',
      value: 'exit|log',
      help: 'What happens when a service leaves a rejected promise behind (default: exit with 70)',
    },
    ...HISTORY_FLAG,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { log, version }) {
    const policy = args.text('unhandled-rejections') ?? 'exit';
    if (policy !== 'exit' && policy !== 'log') {
      throw new UsageError(`--unhandled-rejections must be exit or log, not "${policy}".`);
    }
    // Both sides load at the same time.
    loadFace().catch(() => {});
    const orchestrator = await createBuiltInOrchestrator(args, log);
    const history = recordHistory(orchestrator, args);
    const watch = watchEventLoop({ running: () => orchestrator.runningTasks(), log });
    orchestrator.on('event', (event) => event.type === 'started' && watch.started(event.service));
    try {
      return await serveUntilEnd(orchestrator, { log, version });
    } finally {
      watch.stop();
      await history.close();
    }
  },
};

/**
 * Serves one client until it leaves or the process is asked to stop. On a signal the accepted work goes on for the
 * orchestrator's `drainSeconds` and its answers are still sent; when the client leaves, its calls are cancelled.
 */
export async function serveUntilEnd(
  orchestrator: OrchestratorPort,
  { log, version }: { readonly log: Log; readonly version: string },
): Promise<ExitCode> {
  const { serveStdio } = await loadFace();
  const stop = listenForStop();
  const connection = serveStdio(orchestrator, { log, version });
  const end = await Promise.race([connection.ended, stop.first]);
  if (typeof end === 'string') {
    log.info({ signal: end }, 'draining');
    await orchestrator.close();
    await connection.close();
    return EXIT.success;
  }
  if (end.exitCode !== 0) log.error({ reason: end.cause?.message }, 'the connection broke');
  await orchestrator.close();
  // Services have been told to stop; the turn lets them say so before the process ends.
  await nextTurn();
  return end.exitCode;
}

function loadFace(): Promise<typeof import('../../mcp/stdio.js')> {
  return import('../../mcp/stdio.js');
}
