/**
 * Owns: the process of one downstream server, with its group, its pipes and the end of what it wrote to stderr. Talks
 * to: the SDK's client, as its transport.
 *
 * - L1 `onclose` is called once, after the last message; by then no process of the group runs or it is being killed.
 * - L2 What is no JSON-RPC on stdout is counted and dropped; too much of it, or a message that is too long, ends the server.
 * - L3 Nothing of it reaches our own stdout, and at most {@link MAX_MESSAGE_BYTES} wait for its stdin.
 */
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { Clock } from '../../core/environment.js';
import { LineReader } from '../line-reader.js';
import { type GroupCommand, type ProcessGroup, spawnGroup, TERM_GRACE_MS } from '../process-group.js';
import { TextTail } from '../text-tail.js';
import { waitAtMost } from '../wait-at-most.js';

/** Longest message in either direction, in bytes. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
/** Lines that are no messages which a server may write in a minute. */
const MOST_STRAY_LINES = 100;
const STRAY_WINDOW_MS = 60_000;
/** How long what a dead server wrote last may still be in the pipe, in milliseconds. */
const REST_MS = 100;

/** How a server's process ended. */
export interface ServerEnd {
  /** For people: `exit code 1`, `signal SIGKILL`, or why it was ended by us. */
  readonly how: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  /** Lines on stdout that were no messages. */
  strayLines = 0;
  readonly #command: Omit<GroupCommand, 'stdio'>;
  readonly #clock: Clock;
  readonly #stderr = new TextTail();
  #group: ProcessGroup | undefined;
  #reason: string | undefined;
  #end: ServerEnd | undefined;
  #hasClosed = false;
  #strayWindow = { sinceMs: 0, count: 0 };

  constructor(command: Omit<GroupCommand, 'stdio'>, clock: Clock) {
    this.#command = command;
    this.#clock = clock;
  }

  /** The end of what the server wrote to stderr. */
  get stderr(): string {
    return this.#stderr.text;
  }

  /** How it ended; undefined while it runs. */
  get end(): ServerEnd | undefined {
    return this.#end;
  }

  /** The number of its process group. */
  get pid(): number | undefined {
    return this.#group?.child.pid;
  }

  async start(): Promise<void> {
    const group = await spawnGroup({ ...this.#command, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#group = group;
    const { stdin, stdout, stderr } = group.child;
    const lines = new LineReader({
      maxLineBytes: MAX_MESSAGE_BYTES,
      onLine: (line) => this.#onLine(line),
      onTooLong: () => void this.kill(`it sent a message of more than ${MAX_MESSAGE_BYTES} bytes`),
    });
    stdout?.on('data', (chunk: Buffer) => lines.write(chunk));
    stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk));
    // That nobody reads any more is told by the end of the process.
    for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => {});
    void this.#whenGone(group);
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#group?.child.stdin;
    if (!stdin?.writable || this.#hasClosed) return Promise.reject(notConnected());
    if (stdin.writableLength > MAX_MESSAGE_BYTES) {
      void this.kill(`it does not read: more than ${MAX_MESSAGE_BYTES} bytes wait for it`);
      return Promise.reject(notConnected());
    }
    stdin.write(`${JSON.stringify(message)}\n`);
    return Promise.resolve();
  }

  /** Asks the server to end by closing its stdin, and ends its group when it has not done so after 2 s. */
  async close(): Promise<void> {
    const group = this.#group;
    if (group === undefined) return this.#tellClosed();
    this.#reason ??= 'it was closed';
    group.child.stdin?.end();
    await waitAtMost(TERM_GRACE_MS, group.exited, this.#clock);
    await group.end();
    this.#tellClosed();
  }

  /** Ends the whole group at once. @param reason - Completes "it was ended because …". */
  async kill(reason: string): Promise<void> {
    this.#reason ??= reason;
    this.#group?.child.stdout?.destroy();
    await this.#group?.end(0);
  }

  /** Whether the server keeps this process alive. */
  keepAlive(isKept: boolean): void {
    if (!this.#hasClosed) this.#group?.keepAlive(isKept);
  }

  #onLine(line: string): void {
    // What a server that is being ended still says is too late, even if it came in the same piece.
    if (line.trim() === '' || this.#reason !== undefined) return;
    const message = parseMessage(line);
    if (message === null) this.#countStray();
    else this.onmessage?.(message);
  }

  #countStray(): void {
    this.strayLines += 1;
    const nowMs = this.#clock.now();
    if (nowMs - this.#strayWindow.sinceMs > STRAY_WINDOW_MS) this.#strayWindow = { sinceMs: nowMs, count: 0 };
    this.#strayWindow.count += 1;
    if (this.#strayWindow.count > MOST_STRAY_LINES) {
      void this.kill(
        `it wrote more than ${MOST_STRAY_LINES} lines to stdout that are no messages; let it log to stderr`,
      );
    }
  }

  async #whenGone(group: ProcessGroup): Promise<void> {
    const drained = new Promise<void>((resolve) => group.child.stdout?.once('close', resolve));
    const { exitCode, signal } = await group.exited;
    await waitAtMost(REST_MS, drained, this.#clock);
    const how = this.#reason ?? (signal === null ? `exit code ${exitCode}` : `signal ${signal}`);
    this.#end = { how, exitCode, signal };
    for (const stream of group.child.stdio) stream?.destroy();
    this.#tellClosed();
  }

  #tellClosed(): void {
    if (this.#hasClosed) return;
    this.#hasClosed = true;
    this.onclose?.();
  }
}

function notConnected(): Error {
  return Object.assign(new Error('Not connected'), { code: 'NOT_CONNECTED' });
}

/** Only the outer form is looked at here; the SDK's client checks the rest. */
function parseMessage(line: string): JSONRPCMessage | null {
  try {
    const message = JSON.parse(line) as Record<string, unknown> | null;
    if (typeof message !== 'object' || message === null || message.jsonrpc !== '2.0') return null;
    const isMessage = typeof message.method === 'string' || 'result' in message || 'error' in message;
    return isMessage ? (message as unknown as JSONRPCMessage) : null;
  } catch {
    return null;
  }
}
