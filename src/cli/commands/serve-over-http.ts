import type { Log } from '../../core/environment.js';
import { messageOf } from '../../core/errors.js';
import { createMetrics } from '../../inspect/metrics.js';
import type { Orchestrator } from '../../orchestrator.js';
import { ConfigurationError, EXIT, type ExitCode, UsageError } from '../exit-code.js';
import type { HttpSettings } from '../http-flags.js';
import { listenForStop } from '../stop-signals.js';

/** What serving over HTTP needs beside the orchestrator. */
export interface ServeOverHttpOptions {
  readonly settings: HttpSettings;
  readonly log: Log;
  readonly version: string;
  /** How long accepted work goes on after a signal, in seconds. Default: what the orchestrator's configuration says. */
  readonly drainSeconds?: number;
  /** Tells people where the server is. */
  readonly tell: (line: string) => void;
}

/**
 * Serves clients over HTTP until the process is asked to stop. On a signal nothing more is accepted, the accepted work
 * goes on for `drainSeconds`, and every answer is sent.
 *
 * @throws UsageError for settings that would open the machine to others, ConfigurationError when it cannot listen.
 */
export async function serveOverHttp(
  orchestrator: Orchestrator,
  { settings, log, version, drainSeconds, tell }: ServeOverHttpOptions,
): Promise<ExitCode> {
  const { serveHttp } = await import('../../mcp/http/serve-http.js');
  const stop = listenForStop();
  const metrics = createMetrics(orchestrator);
  const options = { ...settings.options, metrics, log, version };
  const server = await serveHttp(orchestrator, options).catch(explain);
  tell(`MCP over HTTP: ${server.url}`);
  if (settings.tokenFile !== undefined) tell(`Bearer token: in ${settings.tokenFile}`);
  if (settings.options.auth === 'none')
    tell('No token is asked for: every program of this machine may call.');
  const signal = await stop.first;
  server.drain();
  log.info({ signal }, 'draining');
  await orchestrator.close(drainSeconds === undefined ? {} : { drainSeconds });
  await server.close();
  return EXIT.success;
}

function explain(cause: unknown): never {
  if (cause instanceof TypeError) throw new UsageError(cause.message);
  throw new ConfigurationError(`The HTTP server cannot start: ${messageOf(cause)}`, { cause });
}
