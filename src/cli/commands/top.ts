import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame, Hello } from '../../inspect/dashboard/overview.js';
import type { Command } from '../command.js';
import { ConfigurationError, EXIT, type ExitCode, UsageError } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { listenForStop } from '../stop-signals.js';
import type { Terminal } from '../terminal.js';
import { findToken } from '../token-file.js';
import { followDashboard, readDashboard } from '../top/dashboard-client.js';
import { liveBlock } from '../top/live-block.js';
import { summaryLine, TopView } from '../top/top-view.js';
import { DASHBOARD_PORT } from '../windows.js';

/** Shortest time between two pictures on a terminal, in milliseconds. */
const PICTURE_MS = 250;

export const topCommand: Command = {
  name: 'top',
  summary: 'Watch the services of a running server that has a dashboard',
  synopsis: '[URL] [flags]',
  flags: {
    'token-file': {
      type: 'string',
      value: 'FILE',
      help: 'File with the token (default: gaffr/http-token in your state folder)',
    },
    interval: {
      type: 'string',
      value: 'SECONDS',
      help: 'Time between two lines where there is no terminal (default: 1)',
    },
    ...JSON_FLAG,
  },
  async run(args, { terminal }) {
    const [address = `http://127.0.0.1:${DASHBOARD_PORT}`, ...others] = args.positionals;
    if (others.length > 0) throw new UsageError('gaffr top takes one address.');
    const url = checkUrl(address);
    const intervalMs = 1000 * (args.number('interval', { least: 0.1 }) ?? 1);
    const token = await findToken(args.text('token-file'));
    if (args.isSet('json')) {
      const { stats, services, supervisor } = await readDashboard(url, token);
      await terminal.print(
        toJsonText({ supervisor: supervisor.state, stats, services: services.map(withoutFired) }),
      );
      return EXIT.success;
    }
    const stop = listenForStop();
    const end = new AbortController();
    void stop.first.then(() => end.abort());
    try {
      return await watch(url, { token, terminal, intervalMs, signal: end.signal });
    } finally {
      stop.dispose();
    }
  },
};

interface Watching {
  readonly token: string;
  readonly terminal: Terminal;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

async function watch(url: string, { token, terminal, intervalMs, signal }: Watching): Promise<ExitCode> {
  const view = new TopView();
  const block = terminal.isLive ? liveBlock(terminal) : null;
  let nextMs = 0;
  const onMessage = (message: Hello | Frame): void => {
    view.take(message);
    const nowMs = performance.now();
    if (nowMs < nextMs) return;
    nextMs = nowMs + (block === null ? intervalMs : PICTURE_MS);
    if (block === null) void terminal.print(summaryLine(view));
    else block.draw(view.lines(terminal.columns - 1));
  };
  await followDashboard(url, { token, signal, onMessage });
  // The last picture stays on the terminal.
  if (block !== null) terminal.tell('');
  if (signal.aborted) return EXIT.success;
  await sleep(0);
  terminal.tell(`The dashboard at ${url} has ended.`);
  return EXIT.taskFailed;
}

/** The token goes to no other machine: through a tunnel, a far dashboard has an address of this one. */
function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== 'http:') {
    throw new UsageError(`The address must be like http://127.0.0.1:${DASHBOARD_PORT}, not "${text}".`);
  }
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) {
    throw new ConfigurationError(
      `gaffr top gives its token only to this machine, not to ${url.hostname}; reach another one through a tunnel, for instance ssh -L ${DASHBOARD_PORT}:127.0.0.1:${DASHBOARD_PORT} ${url.hostname}`,
    );
  }
  return url.origin;
}

function withoutFired({ fired: _, states: __, ...service }: Hello['services'][number]): object {
  return service;
}
