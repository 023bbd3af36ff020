import type { Server } from '@modelcontextprotocol/server';
import { systemClock } from '../core/clock.js';
import { type Clock, type Log, silentLog } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { packageVersion } from './package-version.js';
import { Updates } from './resources/updates.js';
import { createMcpServerFactory } from './server.js';

/** Options of {@link createMcpServer}. */
export interface EmbeddedServerOptions {
  /** Default: silent. */
  readonly log?: Log;
  /** Version that clients are told. Default: that of this package. */
  readonly version?: string;
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
  const { log = silentLog, version = packageVersion(), clock = systemClock } = options;
  const sources = { orchestrator };
  const updates = new Updates({ ...sources, clock });
  return createMcpServerFactory(orchestrator, { log, version, sources, updates })({ era: 'legacy' });
}
