import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';

/** A transport whose wire is the test: what was sent is kept, what comes is given to `onmessage`. */
export class MemoryTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];
  readonly sent: JSONRPCMessage[] = [];
  async start(): Promise<void> {}
  async send(message: JSONRPCMessage): Promise<void> {
    this.sent.push(message);
  }
  async close(): Promise<void> {
    this.onclose?.();
  }
}
