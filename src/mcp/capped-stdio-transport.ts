import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { LineReader } from './line-reader.js';
import { readMessage, refuseUnreadable } from './messages.js';

/** Output that may wait for a slow reader, in bytes, before no more input is taken. */
export const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;

/** How long a reader may stay that far behind, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Output that is written without waiting for the end of the turn, in characters. */
const FULL_CHARS = 64 * 1024;

/** A line that is no message and names nobody who could be answered. */
export interface UnansweredLine {
  /** Why it is none. The line itself is not told: it may hold secrets. */
  readonly reason: string;
  readonly lengthChars: number;
}

/** Messages that are written together, and who waits for that. */
interface Parcel {
  readonly sent: Promise<void>;
  resolve(): void;
  reject(cause: Error): void;
}

/**
 * A stdio transport that does not buffer for ever: above {@link MAX_BACKLOG_BYTES} it stops reading, and a client that
 * stays behind for 30 s, or falls twice as far behind, is disconnected.
 *
 * Owns: bytes that are no whole line yet, messages that are not written yet. Talks to: the two streams.
 * Invariants:
 * - L1 messages leave in the order in which they were sent, those of one turn of the event loop in one write;
 * - L2 all messages of a chunk are handed on in one step: a cancel comes before any microtask of the call before it;
 * - L3 every `send` ends: with the write, with the reader's having caught up, or with the connection.
 */
export class CappedStdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];
  /** Told of each line that gets no answer, blank ones aside: its sender may wait for ever. */
  onUnanswered?: ((line: UnansweredLine) => void) | undefined;

  readonly #input: Readable;
  readonly #output: Writable;
  readonly #lines = new LineReader((line) => this.#receive(line));
  #outbox = '';
  #parcel: Parcel | undefined;
  /** What was written to a reader that is behind. */
  readonly #undrained: Parcel[] = [];
  #patience: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  async start(): Promise<void> {
    const input = this.#input;
    // An input that has ended says so no more.
    if (input.readableEnded || input.destroyed) setImmediate(this.#end);
    input.on('data', this.#take).on('error', this.#fault).on('end', this.#end).on('close', this.#end);
    this.#output.on('error', this.#break).on('drain', this.#drained);
  }

  /** Resolves once the message is written and the reader is not behind. */
  send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The connection is closed.'));
    try {
      this.#outbox += `${JSON.stringify(message)}\n`;
    } catch (cause) {
      return Promise.reject(cause);
    }
    this.#parcel ??= this.#flushSoon();
    const { sent } = this.#parcel;
    if (this.#outbox.length >= FULL_CHARS) this.flush();
    this.#limitBacklog();
    return sent;
  }

  /** Writes at once what waits for the end of the turn. */
  flush(): void {
    const parcel = this.#parcel;
    if (parcel === undefined) return;
    const text = this.#outbox;
    this.#parcel = undefined;
    this.#outbox = '';
    if (this.#output.write(text)) parcel.resolve();
    else this.#undrained.push(parcel);
  }

  async close(): Promise<void> {
    this.flush();
    this.#end();
  }

  readonly #take = (chunk: Buffer): void => {
    try {
      this.#lines.take(chunk);
    } catch (cause) {
      this.#break(cause as Error);
    }
  };

  #receive(line: string): void {
    if (this.#isClosed) return;
    try {
      const message = this.#read(line);
      if (message !== undefined) this.onmessage?.(message);
    } catch (cause) {
      this.onerror?.(cause as Error);
    }
  }

  #read(line: string): JSONRPCMessage | undefined {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      // The peer is told nothing: there is no id to answer to.
      if (line.trim() !== '') this.onUnanswered?.({ reason: 'no JSON', lengthChars: line.length });
      return undefined;
    }
    try {
      return readMessage(value);
    } catch (cause) {
      const refusals = refuseUnreadable(value);
      for (const refusal of refusals) this.send(refusal).catch(this.#fault);
      const reason = 'no message of JSON-RPC 2.0, or an id that is neither a text nor a whole number';
      if (refusals.length === 0) this.onUnanswered?.({ reason, lengthChars: line.length });
      throw cause;
    }
  }

  #flushSoon(): Parcel {
    // After all microtasks of this turn, so that what they answer goes out together.
    process.nextTick(() => this.flush());
    return createParcel();
  }

  #limitBacklog(): void {
    const backlogBytes = this.#output.writableLength;
    if (backlogBytes > 2 * MAX_BACKLOG_BYTES) this.#disconnect();
    else if (backlogBytes > MAX_BACKLOG_BYTES) this.#pauseIntake();
  }

  #pauseIntake(): void {
    if (this.#patience !== undefined) return;
    this.#input.pause();
    this.#patience = setTimeout(() => this.#disconnect(), PATIENCE_MS).unref();
  }

  readonly #drained = (): void => {
    for (const parcel of this.#undrained.splice(0)) parcel.resolve();
    if (this.#patience === undefined) return;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#input.resume();
  };

  #disconnect(): void {
    this.#break(new Error(`The client does not read: more than ${MAX_BACKLOG_BYTES} bytes wait for it.`));
  }

  readonly #fault = (cause: Error): void => this.onerror?.(cause);

  /** A fault that ends the connection. */
  readonly #break = (cause: Error): void => {
    if (this.#isClosed) return;
    this.onerror?.(cause);
    this.#end();
  };

  readonly #end = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#patience);
    const input = this.#input;
    input.off('data', this.#take).off('error', this.#fault).off('end', this.#end).off('close', this.#end);
    // The output keeps its listener for errors: what was written last may still fail.
    this.#output.off('drain', this.#drained);
    if (input.listenerCount('data') === 0) input.pause();
    this.#lines.clear();
    const closed = new Error('The connection closed before the client had read all.');
    for (const parcel of this.#undrained.splice(0)) parcel.reject(closed);
    this.#parcel?.reject(closed);
    this.#parcel = undefined;
    this.onclose?.();
  };
}

function createParcel(): Parcel {
  let resolve: () => void = () => {};
  let reject: (cause: Error) => void = () => {};
  const sent = new Promise<void>((resolveIt, rejectIt) => {
    resolve = resolveIt;
    reject = rejectIt;
  });
  return { sent, resolve, reject };
}
