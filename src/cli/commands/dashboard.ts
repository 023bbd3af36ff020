import type { Command } from '../command.js';
import { drain } from '../drain.js';
import { EXIT } from '../exit-code.js';
import { HISTORY_FLAG, recordHistory } from '../history-file.js';
import { keepInStep } from '../keep-in-step.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';
import { tasksOf } from '../positionals.js';
import { listenForStop } from '../stop-signals.js';
import { DASHBOARD_PORT, INSPECT_URL_FLAG, makeWindows } from '../windows.js';

export const dashboardCommand: Command = {
  name: 'dashboard',
  summary: 'Open the services with a live page, where tasks can be run and watched',
  synopsis: '["task" …] [flags]',
  flags: {
    port: {
      type: 'string',
      value: 'PORT',
      help: `Port of the page on 127.0.0.1; 0 takes a free one (default: ${DASHBOARD_PORT})`,
    },
    'token-file': {
      type: 'string',
      value: 'FILE',
      help: 'File with the token; made when absent (default: gaffr/http-token in your state folder)',
    },
    stately: { type: 'boolean', help: 'Serve the actors to the Stately inspector as well' },
    ...INSPECT_URL_FLAG,
    ...HISTORY_FLAG,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { terminal, log, version }) {
    const tasks = tasksOf(args, 'dashboard');
    const dashboardPort = args.number('port', { least: 0, most: 65_535, isWhole: true }) ?? DASHBOARD_PORT;
    const statelyPort = args.isSet('stately') ? 0 : undefined;
    const windows = await makeWindows(args, { dashboardPort, statelyPort });
    const { openOrchestrator } = await import('../built-in-orchestrator.js');
    const opened = await openOrchestrator(args, log, windows);
    const { orchestrator } = opened;
    const history = recordHistory(orchestrator, args, log);
    const stop = listenForStop();
    const stopFollowing = keepInStep(opened);
    try {
      await history.opened;
      const openWindows = await windows.open(orchestrator, { log, version, terminal });
      terminal.tell('To see the tasks of an MCP server, start that with --dashboard. Ctrl-C ends this.');
      for (const task of tasks) orchestrator.submit(task);
      await stop.first;
      await drain(orchestrator, terminal);
      await openWindows.close();
      return EXIT.success;
    } finally {
      stopFollowing();
      stop.dispose();
      await orchestrator.close({ drainSeconds: 0 });
      await history.close();
    }
  },
};
