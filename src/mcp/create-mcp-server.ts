import type { Server } from '@modelcontextprotocol/server';
import { systemClock } from '../core/clock.js';
import { type Clock, type Log, silentLog } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { packageVersion } from '../core/package-version.js';
import type { RunLimitsInput } from './runs/run-limits.js';
import { createMcpServerFactory } from './server.js';
import { createServerParts } from './server-parts.js';

/** Options of {@link createMcpServer}. */
export interface EmbeddedServerOptions {
  /** Default: silent. */
  readonly log?: Log;
  /** Version that clients are told. Default: that of this package. */
  readonly version?: string;
  /** Limits of runs; the others have their default. */
  readonly runLimits?: RunLimitsInput;
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
  const { log = silentLog, version = packageVersion, clock = systemClock, runLimits } = options;
  const parts = createServerParts(orchestrator, { log, version, clock, runLimits });
  return createMcpServerFactory(orchestrator, parts)({ era: 'legacy' });
}
