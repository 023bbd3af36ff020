import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';

/** Output that may wait for a slow reader, in bytes, before no more input is taken. */
export const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;

/** How long a reader may stay that far behind, in milliseconds. */
const PATIENCE_MS = 30_000;

/**
 * A stdio transport that does not buffer for ever: above {@link MAX_BACKLOG_BYTES} it stops reading, and a client that
 * stays behind for 30 s, or falls twice as far behind, is disconnected.
 */
export class CappedStdioTransport extends StdioServerTransport {
  readonly #input: Readable;
  readonly #output: Writable;
  #patience: NodeJS.Timeout | undefined;

  constructor(input: Readable, output: Writable) {
    super(input, output);
    this.#input = input;
    this.#output = output;
  }

  override send(message: JSONRPCMessage): Promise<void> {
    const sent = super.send(message);
    const backlogBytes = this.#output.writableLength;
    if (backlogBytes > 2 * MAX_BACKLOG_BYTES) this.#disconnect();
    else if (backlogBytes > MAX_BACKLOG_BYTES) this.#pauseIntake();
    return sent;
  }

  override async close(): Promise<void> {
    clearTimeout(this.#patience);
    await super.close();
  }

  #pauseIntake(): void {
    if (this.#patience !== undefined) return;
    this.#input.pause();
    this.#patience = setTimeout(() => this.#disconnect(), PATIENCE_MS).unref();
    this.#output.once('drain', () => {
      clearTimeout(this.#patience);
      this.#patience = undefined;
      this.#input.resume();
    });
  }

  #disconnect(): void {
    this.onerror?.(new Error(`The client does not read: more than ${MAX_BACKLOG_BYTES} bytes wait for it.`));
    void this.close();
  }
}
