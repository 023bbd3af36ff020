import { randomUUID } from 'node:crypto';
import {
  type AuthInfo,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type McpServerFactory,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { GuardedTransport } from '../guarded-transport.js';
import { LOST_STREAM } from '../presence.js';
import { INVALID_REQUEST, idOf, refuse } from './refusal.js';

type RequestId = string | number;

/** What a session is opened with. */
export interface SessionOptions {
  readonly factory: McpServerFactory;
  readonly authInfo: AuthInfo;
  /** Told once, when the session has ended for whatever reason. Its calls are aborted by then. */
  readonly onEnded: () => void;
  readonly onFault: (error: Error) => void;
}

/**
 * One session of the 2025 protocol: a server that lives from `initialize` to DELETE, idle expiry or shutdown.
 *
 * Owns: the transport, its guard, and which requests came in one POST. Talks to: the SDK's server above it.
 * Invariants:
 * - L1 a request whose id is in flight is refused before the transport sees it, which would lose the first answer;
 * - L2 the stream of a POST ends when each of its requests is answered or cancelled: the transport alone would keep that
 *   of a cancelled request open for ever;
 * - L3 a request whose stream broke off is given up: without stored events nothing could deliver its answer. That stops
 *   its run only as long as the client has no handle to it.
 */
export class Session {
  readonly id = randomUUID();
  readonly principal: string;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #guard: GuardedTransport;
  readonly #posts = new Map<RequestId, Set<RequestId>>();
  #isInitialized = false;
  #openStreams = 0;

  private constructor({ authInfo, onEnded, onFault }: SessionOptions) {
    this.principal = authInfo.clientId;
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      onsessioninitialized: () => {
        this.#isInitialized = true;
      },
    });
    this.#transport.onerror = onFault;
    this.#guard = new GuardedTransport(this.#transport, onEnded, (id) => this.#settle(id));
  }

  /** Makes a session that waits for its `initialize`. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    const server = await options.factory({ era: 'legacy', authInfo: options.authInfo });
    await server.connect(session.#guard);
    return session;
  }

  /** Whether `initialize` was accepted. */
  get isInitialized(): boolean {
    return this.#isInitialized;
  }

  /** Whether a call is under way or the client listens. */
  get isBusy(): boolean {
    return this.#openStreams > 0 || this.#guard.isBusy();
  }

  /** Answers one HTTP request of this session. @param body - The parsed body of a POST. */
  async handle(request: Request, body: unknown, authInfo: AuthInfo): Promise<Response> {
    const ids = requestIdsOf(body);
    const twice = ids.find((id, index) => this.#guard.isLive(id) || ids.indexOf(id) !== index);
    if (twice !== undefined) {
      const message = `Request id ${JSON.stringify(twice)} is in flight; use another.`;
      return refuse({ status: 400, code: INVALID_REQUEST, message, id: idOf(body) });
    }
    const post = new Set(ids);
    for (const id of ids) this.#posts.set(id, post);
    const response = await this.#transport.handleRequest(request, {
      authInfo,
      ...(body !== undefined && { parsedBody: body }),
    });
    if (request.signal.aborted) this.#breakOff(ids);
    else this.#watch(request, ids, response);
    if (response.status !== 200) for (const id of ids) this.#posts.delete(id);
    return response;
  }

  /** Ends the session and aborts its calls. */
  async close(): Promise<void> {
    await this.#guard.close();
  }

  #watch(request: Request, ids: readonly RequestId[], response: Response): void {
    const isListening = request.method === 'GET' && response.status === 200;
    if (isListening) this.#openStreams += 1;
    request.signal.addEventListener(
      'abort',
      () => {
        if (isListening) this.#openStreams -= 1;
        this.#breakOff(ids);
      },
      { once: true },
    );
  }

  #breakOff(ids: readonly RequestId[]): void {
    for (const requestId of ids.filter((id) => this.#guard.isLive(id))) {
      const params = { requestId, reason: LOST_STREAM };
      this.#transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    }
  }

  #settle(id: RequestId): void {
    const post = this.#posts.get(id);
    if (post === undefined) return;
    post.delete(id);
    this.#posts.delete(id);
    if (post.size === 0) this.#transport.closeSSEStream(id);
  }
}

function requestIdsOf(body: unknown): RequestId[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages
    .filter((message) => isJSONRPCRequest(message as JSONRPCMessage))
    .map((message) => (message as { id: RequestId }).id);
}
