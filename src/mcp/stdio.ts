import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { serveStdio as serveSdk } from '@modelcontextprotocol/server/stdio';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { CappedStdioTransport } from './capped-stdio-transport.js';
import { GuardedTransport } from './guarded-transport.js';
import type { RunLimitsInput } from './runs/run-limits.js';
import { RunStore } from './runs/run-store.js';
import { createMcpServerFactory, type McpServerOptions } from './server.js';
import { claimStdout } from './stdout-guard.js';
import { ToolLane } from './tool-lane.js';

/** Options of {@link serveStdio}. */
export interface StdioOptions extends Omit<McpServerOptions, 'runs'> {
  /** Limits of runs; the others have their default. */
  readonly runLimits?: RunLimitsInput;
  /** Default: `process.stdin`. */
  readonly input?: Readable;
  /** Default: `process.stdout`, claimed so that nothing else can write to it. */
  readonly output?: Writable;
}

/** How a connection ended: 0 when the client left or we closed it, 1 when it broke the rules of the transport. */
export interface ConnectionEnd {
  readonly exitCode: 0 | 1;
  readonly cause: Error | undefined;
}

/** A connection over stdio. */
export interface StdioConnection {
  /** Resolves once the connection has ended. Calls in flight have been aborted by then. */
  readonly ended: Promise<ConnectionEnd>;
  /** Sends what is still owed, for at most two seconds, and ends the connection. */
  close(): Promise<void>;
}

/** How long `close()` waits for answers and for the reader, in milliseconds. */
const FLUSH_MS = 2000;

/** Errors of a peer that has closed its end, which is its good right. */
const PEER_LEFT = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Serves MCP over stdin and stdout to one client, in both protocol eras. Never ends the process: the caller does, by
 * what {@link StdioConnection.ended} says.
 */
export function serveStdio(orchestrator: OrchestratorPort, options: StdioOptions): StdioConnection {
  const { log, input = process.stdin } = options;
  const output = options.output ?? claimStdout(process.stdout, process.stderr);
  let end: (end: ConnectionEnd) => void = () => {};
  const ended = new Promise<ConnectionEnd>((resolve) => {
    end = resolve;
  });
  const wire = new CappedStdioTransport(input, output);
  const runs = new RunStore({ log, ...(options.runLimits && { limits: options.runLimits }) });
  const guarded = new GuardedTransport(wire, (cause) => end(toEnd(cause)));
  const handle = serveSdk(createMcpServerFactory(orchestrator, { ...options, runs }), {
    legacy: 'serve',
    transport: new ToolLane(guarded, { orchestrator, runs, log }),
    maxSubscriptions: 64,
    onerror: countFaults(log),
  });
  return {
    ended,
    async close() {
      await withinMs(FLUSH_MS, () => guarded.answered());
      wire.flush();
      if (output.writableLength > 0) await withinMs(FLUSH_MS, () => once(output, 'drain'));
      await handle.close();
    },
  };
}

function toEnd(cause: Error | undefined): ConnectionEnd {
  const hasLeft = cause === undefined || PEER_LEFT.has((cause as NodeJS.ErrnoException).code ?? '');
  return { exitCode: hasLeft ? 0 : 1, cause };
}

/** Reports out-of-band faults of the wire (malformed lines and the like), which change nothing. */
function countFaults(log: Log): (error: Error) => void {
  let count = 0;
  return (error) => log.debug({ count: ++count, reason: error.message }, 'fault on the MCP connection');
}

async function withinMs(limitMs: number, wait: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([wait(), limit]);
  clearTimeout(timer);
}
