import type { Readable, Writable } from 'node:stream';
import { serveStdio as serveSdk } from '@modelcontextprotocol/server/stdio';
import { systemClock } from '../core/clock.js';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { CappedStdioTransport, type UnansweredLine } from './capped-stdio-transport.js';
import { GuardedTransport } from './guarded-transport.js';
import { ListenGate } from './resources/listen-gate.js';
import { createMcpServerFactory } from './server.js';
import { createServerParts, type McpServerOptions } from './server-parts.js';
import { claimStdout } from './stdout-guard.js';
import { ToolLane } from './tool-lane.js';

/** Options of {@link serveStdio}. */
export interface StdioOptions extends McpServerOptions {
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
  wire.onUnanswered = tellUnanswered(log);
  const guarded = new GuardedTransport(wire, (cause) => end(toEnd(cause)));
  const parts = createServerParts(orchestrator, { ...options, clock: systemClock });
  const { runs, sources, updates } = parts;
  const handle = serveSdk(createMcpServerFactory(orchestrator, parts), {
    legacy: 'serve',
    transport: new ListenGate(new ToolLane(guarded, { orchestrator, runs, log }), updates, sources),
    maxSubscriptions: 64,
    onerror: countFaults(log),
  });
  return {
    ended,
    async close() {
      await withinMs(FLUSH_MS, () => guarded.answered());
      wire.flush();
      if (output.writableLength > 0) await withinMs(FLUSH_MS, () => written(output));
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

/** Tells the operator of lines that nobody answers: of a flood the 1st, the 10th, the 100th and so on. */
function tellUnanswered(log: Log): (line: UnansweredLine) => void {
  let count = 0;
  return (line) => {
    count += 1;
    if (/^10*$/.test(`${count}`)) log.warn({ count, ...line }, 'a line of the client gets no answer');
  };
}

/** Resolves once everything that was written before is handed over, or cannot be. */
function written(output: Writable): Promise<void> {
  // Not by the event "drain": that comes only where the backlog had reached its limit.
  return new Promise((resolve) => void output.write('', () => resolve()));
}

async function withinMs(limitMs: number, wait: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([wait(), limit]);
  clearTimeout(timer);
}
