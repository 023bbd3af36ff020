import {
  type JSONRPCMessage,
  type JSONRPCNotification,
  ProtocolErrorCode,
  type Transport,
} from '@modelcontextprotocol/server';
import { isListenRequest, isNotification, isRequest } from './messages.js';

type RequestId = string | number;

/**
 * A transport around a transport that keeps what the SDK lacks.
 *
 * Owns: the set of request ids in flight, and which of them listen. Talks to: the inner transport below, the SDK's entry above.
 * Invariants:
 * - L1 a request whose id is in flight is answered -32600 and not passed on, so that the first one keeps its answer and
 *   can still be cancelled;
 * - L2 `onGone` is told once, with the error that ended the connection or none when the peer simply left.
 */
export class GuardedTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];

  readonly #inner: Transport;
  readonly #onGone: (cause: Error | undefined) => void;
  readonly #onSettled: (id: RequestId) => void;
  readonly #live = new Set<RequestId>();
  /** Streams that end with the connection: nobody waits for their answer. */
  readonly #listening = new Set<RequestId>();
  readonly #idleWaiters = new Set<() => void>();
  #lastError: Error | undefined;

  /**
   * @param onSettled - Told of each request that needs no answer any more: it is answered, or cancelled. A cancelled one
   * has been passed on by then.
   */
  constructor(
    inner: Transport,
    onGone: (cause: Error | undefined) => void,
    onSettled: (id: RequestId) => void = () => {},
  ) {
    this.#inner = inner;
    this.#onGone = onGone;
    this.#onSettled = onSettled;
  }

  /** The session of the inner transport, if it has any. */
  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  /** Passed on, since the inner transport checks the version header by it. */
  setSupportedProtocolVersions(versions: string[]): void {
    this.#inner.setSupportedProtocolVersions?.(versions);
  }

  /** Whether a request of this id waits for its answer. */
  isLive(id: RequestId): boolean {
    return this.#live.has(id);
  }

  /** Whether any request waits for its answer; a listening stream does not. */
  isBusy(): boolean {
    return this.#live.size > this.#listening.size;
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message, extra) => {
      if (!this.#accepts(message)) return;
      this.onmessage?.(message, extra);
      if (isCancel(message)) this.#onSettled(message.params?.requestId as RequestId);
    };
    this.#inner.onerror = (error) => this.#fault(error);
    this.#inner.onclose = () => {
      const cause = this.#lastError;
      this.#live.clear();
      this.#listening.clear();
      this.#tellIdle();
      this.onclose?.();
      this.#onGone(cause);
    };
    await this.#inner.start();
  }

  send(message: JSONRPCMessage, options?: Parameters<Transport['send']>[1]): Promise<void> {
    if ('method' in message) return this.#inner.send(message, options);
    const { id } = message;
    this.#forget(id);
    const sent = this.#inner.send(message, options);
    return id === undefined ? sent : sent.then(() => this.#onSettled(id));
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  /** Resolves once no request waits for its answer. */
  async answered(): Promise<void> {
    if (this.isBusy()) await new Promise<void>((resolve) => this.#idleWaiters.add(resolve));
  }

  #accepts(message: JSONRPCMessage): boolean {
    if (isRequest(message)) {
      if (this.#live.has(message.id)) {
        this.#refuse(message.id);
        return false;
      }
      this.#live.add(message.id);
      if (isListenRequest(message)) this.#listening.add(message.id);
    } else if (isCancel(message)) {
      // A cancelled request gets no answer, so this is where its id leaves.
      this.#forget(message.params?.requestId);
    }
    return true;
  }

  #refuse(id: RequestId): void {
    const error = {
      code: ProtocolErrorCode.InvalidRequest,
      message: `Request id ${JSON.stringify(id)} is in flight; use another.`,
    };
    this.#inner.send({ jsonrpc: '2.0', id, error }).catch((cause) => this.#fault(cause));
  }

  #forget(id: unknown): void {
    if (!this.#live.delete(id as RequestId)) return;
    this.#listening.delete(id as RequestId);
    if (!this.isBusy()) this.#tellIdle();
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters.clear();
  }

  /** Keeps the error for one microtask: when the transport closes in the same step, it is the cause. */
  #fault(error: Error): void {
    this.#lastError = error;
    queueMicrotask(() => {
      if (this.#lastError === error) this.#lastError = undefined;
    });
    this.onerror?.(error);
  }
}

function isCancel(message: JSONRPCMessage): message is JSONRPCNotification {
  return isNotification(message) && message.method === 'notifications/cancelled';
}
