import { join } from 'node:path';
import { userStateFolder } from '../../config/user-folders.js';
import { logTasks } from '../../inspect/task-log.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../exit-code.js';
import { keepInStep } from '../keep-in-step.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';
import { checkLogLevel, LOG_FLAGS } from '../stderr-log.js';
import { listenForStop } from '../stop-signals.js';
import { openWorker } from './worker.js';

/** Ports as the server has them itself. That of the worker must stay: a task that has begun goes on at its address. */
const PORTS = { ingress: 8080, admin: 9070, node: 5122, worker: 9080 } as const;

export const engineCommand: Command = {
  name: 'engine',
  summary: 'Start a Restate server for development, with a worker for the configured services',
  synopsis: 'up [flags]',
  flags: {
    data: {
      type: 'string',
      value: 'DIR',
      help: "Folder of the server's data (default: in the user's state folder)",
    },
    'ingress-port': {
      type: 'string',
      value: 'PORT',
      help: 'Port where tasks are handed over (default: 8080)',
    },
    'admin-port': {
      type: 'string',
      value: 'PORT',
      help: 'Port of its admin interface and page (default: 9070)',
    },
    'worker-port': { type: 'string', value: 'PORT', help: 'Port of the worker (default: 9080)' },
    'node-port': { type: 'string', value: 'PORT', help: 'Port for other nodes (default: 5122)' },
    namespace: {
      type: 'string',
      value: 'NAME',
      help: 'What belongs together at the server (default: gaffr)',
    },
    'without-worker': { type: 'boolean', help: 'Start the server alone' },
    ...LOG_FLAGS,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { log, terminal }) {
    const [verb, ...others] = args.positionals;
    if (verb !== 'up' || others.length > 0)
      throw new UsageError('gaffr engine knows one order: gaffr engine up.');
    checkLogLevel(args);
    const port = (name: keyof typeof PORTS): number =>
      args.number(`${name}-port`, { least: 1, most: 65_535, isWhole: true }) ?? PORTS[name];
    const ports = { ingress: port('ingress'), admin: port('admin'), node: port('node') };
    const dataFolder = args.text('data') ?? join(userStateFolder(process.env), 'restate');
    const stop = listenForStop();
    const { startEngineServer } = await import('../engine/engine-server.js');
    const server = await startEngineServer({ dataFolder, host: '127.0.0.1', ports, log });
    try {
      const { ingressUrl, adminUrl } = server;
      const opened = args.isSet('without-worker')
        ? undefined
        : await openWorker(args, log, { server: { ingressUrl, adminUrl }, port: port('worker') });
      if (opened) logTasks(opened.orchestrator, log);
      const stopFollowing = opened ? keepInStep(opened) : () => {};
      terminal.tell(
        [
          `Restate server at ${ingressUrl}, its page at ${adminUrl}; data in ${dataFolder}.`,
          ...(opened ? [`Worker at ${opened.worker.url}.`] : []),
          'Hand it tasks with: gaffr run "…" --engine restate, or gaffr serve --engine restate.',
        ].join('\n'),
      );
      const end = await Promise.race([stop.first, server.ended]);
      log.info({ end }, 'stopping');
      stopFollowing();
      await opened?.worker.close();
      return typeof end === 'string' ? EXIT.success : EXIT.taskFailed;
    } finally {
      await server.stop();
      stop.dispose();
    }
  },
};
