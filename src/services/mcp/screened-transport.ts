/**
 * Stands between a downstream server's transport and the SDK's client, and lets through what the client can use.
 *
 * - L1 An answer passes once, and only to a request that waits for it; others are counted and dropped.
 * - L2 However many notifications a server sends, the client hears of a call's progress at most every 50 ms and of a
 *   changed list of tools at most four times a second; nothing is kept but the latest of each.
 * - L3 A server gets at most {@link MOST_REQUESTS} answers a second to requests of its own.
 * - L4 A call whose stream ends without an answer is answered with {@link STREAM_ENDED}.
 */
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { Clock } from '../../core/environment.js';

const PROGRESS_EVERY_MS = 50;
const CHANGES_EVERY_MS = 250;
/** Requests of a server (ping, say) that are passed on per second. */
const MOST_REQUESTS = 100;
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const PROGRESS = 'notifications/progress';
/** Notifications that the client acts upon. */
const PASSED = new Set(['notifications/cancelled', 'notifications/subscriptions/acknowledged']);

/** Stands in for the answer of a call whose stream ended without one. */
export const STREAM_ENDED = { code: -32_099, message: 'the stream of the answer ended without one' };

type Send = NonNullable<Parameters<Transport['send']>[1]>;
type Id = string | number;

/** What was dropped. */
export interface Dropped {
  notifications: number;
  answers: number;
  requests: number;
}

export class ScreenedTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  readonly dropped: Dropped = { notifications: 0, answers: 0, requests: 0 };
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #waiting = new Set<Id>();
  readonly #latest = new Map<string, JSONRPCMessage>();
  readonly #timers = new Map<string, unknown>();
  #window = { sinceMs: 0, count: 0 };

  constructor(inner: Transport, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  get hasPerRequestStream(): boolean {
    return this.#inner.hasPerRequestStream ?? false;
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message, extra) => this.#screen(message, extra);
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onclose = () => {
      for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
      this.#timers.clear();
      this.onclose?.();
    };
    await this.#inner.start();
  }

  async send(message: JSONRPCMessage, options?: Send): Promise<void> {
    const cancelled = cancelledBy(message);
    if (cancelled !== undefined) this.#waiting.delete(cancelled);
    if (!('method' in message && 'id' in message)) return this.#inner.send(message, options);
    const { id } = message;
    this.#waiting.add(id);
    // Of a stream that ends without an answer the SDK tells nobody in the older protocol, and the call would wait for ever.
    const onRequestStreamEnd = (): void => {
      options?.onRequestStreamEnd?.();
      if (this.#waiting.delete(id)) this.onmessage?.({ jsonrpc: '2.0', id, error: STREAM_ENDED });
    };
    await this.#inner.send(message, this.hasPerRequestStream ? { ...options, onRequestStreamEnd } : options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version);
  }

  setSupportedProtocolVersions(versions: string[]): void {
    this.#inner.setSupportedProtocolVersions?.(versions);
  }

  #screen(message: JSONRPCMessage, extra: unknown): void {
    const pass = (): void => this.onmessage?.(message, extra as never);
    if (!('method' in message)) {
      const id = 'id' in message ? message.id : undefined;
      // An error without an id answers nothing in particular.
      if (id === undefined || !this.#waiting.delete(id)) {
        this.dropped.answers += 1;
        return;
      }
      this.#flush(progressKey(id));
      pass();
    } else if ('id' in message) {
      if (this.#mayAsk()) pass();
      else this.dropped.requests += 1;
    } else if (PASSED.has(message.method)) pass();
    else this.#hold(message);
  }

  #hold(message: JSONRPCMessage & { readonly method: string }): void {
    const key = keyOf(message, this.#waiting);
    if (key === undefined) {
      this.dropped.notifications += 1;
      return;
    }
    if (this.#latest.has(key)) this.dropped.notifications += 1;
    this.#latest.set(key, message);
    if (this.#timers.has(key)) return;
    const waitMs = key === TOOLS_CHANGED ? CHANGES_EVERY_MS : PROGRESS_EVERY_MS;
    this.#timers.set(
      key,
      this.#clock.setTimeout(() => this.#flush(key), waitMs),
    );
  }

  #flush(key: string): void {
    const message = this.#latest.get(key);
    this.#clock.clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.#latest.delete(key);
    if (message !== undefined) this.onmessage?.(message);
  }

  #mayAsk(): boolean {
    const nowMs = this.#clock.now();
    if (nowMs - this.#window.sinceMs > 1000) this.#window = { sinceMs: nowMs, count: 0 };
    this.#window.count += 1;
    return this.#window.count <= MOST_REQUESTS;
  }
}

function progressKey(id: Id): string {
  return `${PROGRESS} ${String(id)}`;
}

/** The slot of a notification that is kept; undefined for one that nobody waits for. The SDK's tokens are request ids. */
function keyOf(
  message: JSONRPCMessage & { readonly method: string },
  waiting: ReadonlySet<Id>,
): string | undefined {
  if (message.method === TOOLS_CHANGED) return TOOLS_CHANGED;
  if (message.method !== PROGRESS || !('params' in message)) return undefined;
  const token = (message.params as { progressToken?: unknown } | undefined)?.progressToken;
  if (typeof token !== 'string' && typeof token !== 'number') return undefined;
  return waiting.has(token) ? progressKey(token) : undefined;
}

function cancelledBy(message: JSONRPCMessage): Id | undefined {
  if (!('method' in message) || message.method !== 'notifications/cancelled') return undefined;
  const id = (message.params as { requestId?: unknown } | undefined)?.requestId;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
