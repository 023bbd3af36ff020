import type { Log } from '../core/environment.js';
import { messageOf } from '../core/errors.js';
import type { Orchestrator, OrchestratorOptions } from '../orchestrator.js';
import { ConfigurationError, UsageError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';
import { processRedactor } from './process-redactor.js';
import type { Terminal } from './terminal.js';
import { keepToken } from './token-file.js';

/** Where the dashboard listens when it is not said; `gaffr top` looks there. */
export const DASHBOARD_PORT = 8643;
const STATELY_PORT = 8644;

/** The address of another inspector than Stately's own. */
export const INSPECT_URL_FLAG: Flags = {
  'inspect-url': {
    type: 'string',
    value: 'URL',
    help: 'Inspector that the bridge page shows (default: https://stately.ai/inspect)',
  },
};

/** Flags of windows on a running server. */
export const WINDOW_FLAGS: Flags = {
  dashboard: {
    type: 'string',
    value: '[PORT]',
    valueIfBare: String(DASHBOARD_PORT),
    help: `Serve the live page beside it, on 127.0.0.1 (default port: ${DASHBOARD_PORT})`,
  },
  inspect: {
    type: 'string',
    value: '[PORT]',
    valueIfBare: String(STATELY_PORT),
    help: `Serve its actors to the Stately inspector, on 127.0.0.1 (default port: ${STATELY_PORT})`,
  },
  ...INSPECT_URL_FLAG,
};

/** Windows that are to be opened: what the orchestrator needs for it, and how they open once it is there. */
export interface Windows extends Pick<OrchestratorOptions, 'inspect'> {
  /** @throws ConfigurationError when a port cannot be had or the token file cannot be used. */
  open(orchestrator: Orchestrator, context: WindowContext): Promise<{ close(): Promise<void> }>;
}

/** What a window needs of the process. */
export interface WindowContext {
  readonly log: Log;
  readonly version: string;
  readonly terminal: Pick<Terminal, 'tell' | 'isLive'>;
}

/** Ports of the windows that are wanted. */
export interface WantedWindows {
  readonly dashboardPort: number | undefined;
  readonly statelyPort: number | undefined;
}

/** @throws UsageError for a flag with a bad value. */
export function prepareWindows(args: Arguments): Promise<Windows> {
  return makeWindows(args, {
    dashboardPort: portOf(args, 'dashboard'),
    statelyPort: portOf(args, 'inspect'),
  });
}

/** The windows of a command that opens them by other flags. @param wanted - A port of 0 takes a free one. */
export async function makeWindows(args: Arguments, wanted: WantedWindows): Promise<Windows> {
  const { dashboardPort, statelyPort } = wanted;
  const inspectorUrl = inspectorUrlOf(args, statelyPort);
  const bridge =
    statelyPort === undefined
      ? null
      : new (await import('../inspect/stately/stately-bridge.js')).StatelyBridge();
  return {
    ...(bridge !== null && { inspect: bridge.inspect }),
    async open(orchestrator, { log, version, terminal }) {
      if (dashboardPort === undefined && bridge === null) return { close: async () => {} };
      const { token, path } = await keepToken(args.text('token-file'));
      const opened: { readonly url: string; readonly urlWithToken: string; close(): Promise<void> }[] = [];
      const open = async (what: string, address: AddressOf, serve: Serve): Promise<void> => {
        const window = await serve(address).catch((cause) => {
          throw new ConfigurationError(
            `The ${what} cannot listen on port ${address.port}: ${messageOf(cause)}`,
            { cause },
          );
        });
        opened.push(window);
        // What is no terminal is often a log, which others may read.
        terminal.tell(
          terminal.isLive
            ? `${what}: ${window.urlWithToken}`
            : `${what}: ${window.url} (its token is in ${path})`,
        );
      };
      if (dashboardPort !== undefined) {
        const { serveDashboard } = await import('../inspect/dashboard/serve-dashboard.js');
        await open('dashboard', addressOf(dashboardPort, DASHBOARD_PORT), (address) =>
          serveDashboard(orchestrator, { ...address, token, version, log, redactor: processRedactor }),
        );
      }
      if (bridge !== null && statelyPort !== undefined) {
        const { serveStately } = await import('../inspect/stately/serve-stately.js');
        const url = inspectorUrl === undefined ? {} : { inspectorUrl };
        await open('Stately inspector', addressOf(statelyPort, STATELY_PORT), (address) =>
          serveStately(bridge, { ...address, ...url, token, log }),
        );
      }
      return {
        async close() {
          await Promise.all(opened.map((window) => window.close()));
        },
      };
    },
  };
}

type AddressOf = { readonly port: number; readonly mayMove: boolean };
type Serve = (
  address: AddressOf,
) => Promise<{ readonly url: string; readonly urlWithToken: string; close(): Promise<void> }>;

/** A client starts a server for itself: the second one must not fail because the first has the usual port. */
function addressOf(port: number, usual: number): AddressOf {
  return { port, mayMove: port === usual };
}

function portOf(args: Arguments, flag: string): number | undefined {
  return args.number(flag, { least: 0, most: 65_535, isWhole: true });
}

function inspectorUrlOf(args: Arguments, statelyPort: number | undefined): string | undefined {
  const url = args.text('inspect-url');
  if (url === undefined) return undefined;
  if (statelyPort === undefined) {
    throw new UsageError('--inspect-url means something only with --inspect (gaffr dashboard: --stately).');
  }
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new UsageError(
    `--inspect-url must be a whole address such as https://stately.ai/inspect, not "${url}".`,
  );
}
