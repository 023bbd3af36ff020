import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  ProtocolErrorCode,
  SUBSCRIPTION_ID_META_KEY,
  type Transport,
} from '@modelcontextprotocol/server';
import { isListenRequest, isNotification, isRequest } from '../messages.js';
import { listenedUris, whyNotListen } from './listen-request.js';
import type { ResourceSources } from './resource-sources.js';
import type { Updates } from './updates.js';

type RequestId = JSONRPCRequest['id'];

/**
 * A transport that adds resource updates to the listening streams of the 2026 protocol over stdio. The SDK above answers
 * `subscriptions/listen` itself and tells nobody, so what it acknowledges is read off the wire.
 *
 * Owns: the open streams. Talks to: the transport below, the SDK above, the updates.
 * Invariants: L1 a stream gets its first update after its acknowledgement and none after its end; L2 when the connection
 * ends, so do its subscriptions.
 */
export class ListenGate implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];

  readonly #inner: Transport;
  readonly #updates: Updates;
  readonly #sources: ResourceSources;
  /** Requests that the SDK has not acknowledged yet: one that is cancelled before never becomes a stream. */
  readonly #asked = new Set<RequestId>();
  readonly #streams = new Map<RequestId, readonly (() => void)[]>();

  constructor(inner: Transport, updates: Updates, sources: ResourceSources) {
    this.#inner = inner;
    this.#updates = updates;
    this.#sources = sources;
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message, extra) => {
      if (!this.#refuses(message)) this.onmessage?.(message, extra);
    };
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onclose = () => {
      this.#asked.clear();
      for (const id of [...this.#streams.keys()]) this.#end(id);
      this.onclose?.();
    };
    await this.#inner.start();
  }

  send(message: JSONRPCMessage, options?: Parameters<Transport['send']>[1]): Promise<void> {
    if (!('method' in message)) {
      if (message.id !== undefined) this.#end(message.id);
      return this.#inner.send(message, options);
    }
    const sent = this.#inner.send(message, options);
    if (message.method === 'notifications/subscriptions/acknowledged') this.#begin(message);
    return sent;
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #refuses(message: JSONRPCMessage): boolean {
    if (isNotification(message)) {
      if (message.method === 'notifications/cancelled') this.#end(message.params?.requestId as RequestId);
      return false;
    }
    if (!isRequest(message) || !isListenRequest(message)) return false;
    const why = whyNotListen(listenedUris(message), null, this.#sources);
    if (why === undefined) {
      this.#asked.add(message.id);
      return false;
    }
    const error = { code: ProtocolErrorCode.InvalidParams, message: why };
    this.#post({ jsonrpc: '2.0', id: message.id, error });
    return true;
  }

  #begin(acknowledgement: JSONRPCMessage): void {
    const { params } = acknowledgement as { readonly params?: { readonly _meta?: Record<string, unknown> } };
    const id = params?._meta?.[SUBSCRIPTION_ID_META_KEY] as RequestId;
    if (!this.#asked.delete(id)) return;
    const tell = (uri: string): void => {
      const update = { uri, _meta: { [SUBSCRIPTION_ID_META_KEY]: id } };
      this.#post({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: update });
    };
    const uris = listenedUris(acknowledgement);
    this.#streams.set(
      id,
      uris.map((uri) => this.#updates.subscribe(uri, tell)),
    );
  }

  #end(id: RequestId): void {
    this.#asked.delete(id);
    for (const end of this.#streams.get(id) ?? []) end();
    this.#streams.delete(id);
  }

  #post(message: JSONRPCMessage): void {
    this.#inner.send(message).catch((cause) => this.onerror?.(cause));
  }
}
