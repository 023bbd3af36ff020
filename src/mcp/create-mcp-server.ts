import type { Server } from '@modelcontextprotocol/server';
import { systemClock } from '../core/clock.js';
import { type Clock, type Log, silentLog } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { packageVersion } from './package-version.js';
import type { RunSource } from './resources/resource-sources.js';
import { Updates } from './resources/updates.js';
import { createMcpServerFactory } from './server.js';

/** Options of {@link createMcpServer}. */
export interface EmbeddedServerOptions {
  /** Default: silent. */
  readonly log?: Log;
  /** Version that clients are told. Default: that of this package. */
  readonly version?: string;
  /** The runs that `gaffr://runs/{id}` shows. Default: none. */
  readonly runs?: RunSource;
  /** Default: the real one. */
  readonly clock?: Clock;
}

/**
 * Makes a server for one connection, for a transport of your own. It speaks the protocol up to 2025-11-25, which is what
 * a server speaks that is connected by hand; {@link createMcpHttpHandler} and `gaffr serve` speak 2026-07-28 as well.
 *
 * @example
 * await createMcpServer(orchestrator).connect(transport);
 */
export function createMcpServer(orchestrator: OrchestratorPort, options: EmbeddedServerOptions = {}): Server {
  const { log = silentLog, version = packageVersion(), runs, clock = systemClock } = options;
  const updates = new Updates({ orchestrator, runs, clock });
  return createMcpServerFactory(orchestrator, { log, version, runs, updates })({ era: 'legacy' });
}
