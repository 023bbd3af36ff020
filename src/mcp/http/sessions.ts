import { type AuthInfo, isInitializeRequest, type McpServerFactory } from '@modelcontextprotocol/server';
import type { Clock } from '../../core/environment.js';
import type { HttpLimits } from './limits.js';
import { idOf, refuse, SESSION_NOT_FOUND } from './refusal.js';
import { Session } from './session.js';

/** How long a session must have been idle before another may take its place, in milliseconds. */
const EVICTABLE_AFTER_MS = 60_000;

/** What the sessions need. */
export interface SessionsOptions {
  readonly factory: McpServerFactory;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly onFault: (error: Error) => void;
}

/**
 * The sessions of clients that speak the 2025 protocol.
 *
 * Owns: a session per client, and one timer for the idle ones. Talks to: {@link Session}.
 * Invariants: L1 a session answers its own principal only, and to everybody else does not exist; L2 there are at most
 * `limits.sessions`; L3 one that does nothing for `limits.sessionIdleSeconds` is ended.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, { readonly session: Session; usedAtMs: number }>();
  #opening = 0;
  #isClosed = false;
  #expiry: unknown;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Number of sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Answers one request of the 2025 protocol. */
  async answer(request: Request, body: unknown, authInfo: AuthInfo): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
      const entry = this.#sessions.get(id);
      if (entry === undefined || entry.session.principal !== authInfo.clientId) {
        const message = 'Session not found; send initialize to open one.';
        return refuse({ status: 404, code: SESSION_NOT_FOUND, message, id: idOf(body) });
      }
      entry.usedAtMs = this.#options.clock.now();
      return entry.session.handle(request, body, authInfo);
    }
    if (request.method !== 'POST') {
      const message = `${request.method} needs an Mcp-Session-Id; only POST works without one.`;
      return refuse({ status: 405, message, headers: { allow: 'POST' } });
    }
    if (!isInitializeRequest(body)) {
      const message = 'Send initialize first and then the Mcp-Session-Id that it answers with.';
      return refuse({ status: 400, message, id: idOf(body) });
    }
    return this.#open(request, body, authInfo);
  }

  /** Ends every session. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#expiry);
    await Promise.all([...this.#sessions.values()].map(({ session }) => session.close()));
  }

  async #open(request: Request, body: unknown, authInfo: AuthInfo): Promise<Response> {
    const { factory, limits, onFault } = this.#options;
    if (this.#sessions.size + this.#opening >= limits.sessions && !(await this.#evictOne())) {
      const message = `There are ${limits.sessions} sessions and no more are allowed; end one by DELETE or try again later.`;
      return refuse({ status: 503, message, id: idOf(body), headers: { 'retry-after': '60' } });
    }
    this.#opening += 1;
    try {
      const session = await Session.open({
        factory,
        authInfo,
        onFault,
        onEnded: () => this.#sessions.delete(session.id),
      });
      const response = await session.handle(request, body, authInfo);
      if (session.isInitialized && !this.#isClosed) this.#add(session);
      else await session.close();
      return response;
    } finally {
      this.#opening -= 1;
    }
  }

  #add(session: Session): void {
    this.#sessions.set(session.id, { session, usedAtMs: this.#options.clock.now() });
    if (this.#expiry === undefined) this.#scheduleExpiry();
  }

  /** Makes room for a client by ending the session that has been idle longest, if that is long. */
  async #evictOne(): Promise<boolean> {
    const [oldest] = this.#idleSince(EVICTABLE_AFTER_MS);
    await oldest?.close();
    return oldest !== undefined;
  }

  /** A session is idle from the end of its last call, not from its start. */
  #keepBusy(): void {
    const nowMs = this.#options.clock.now();
    for (const entry of this.#sessions.values()) if (entry.session.isBusy) entry.usedAtMs = nowMs;
  }

  #idleSince(durationMs: number): Session[] {
    const latestMs = this.#options.clock.now() - durationMs;
    return [...this.#sessions.values()]
      .filter(({ session, usedAtMs }) => usedAtMs <= latestMs && !session.isBusy)
      .sort((a, b) => a.usedAtMs - b.usedAtMs)
      .map(({ session }) => session);
  }

  #scheduleExpiry(): void {
    const { clock, limits } = this.#options;
    const idleMs = limits.sessionIdleSeconds * 1000;
    this.#expiry = clock.setTimeout(
      () => {
        this.#expiry = undefined;
        this.#keepBusy();
        // Fails only if a listener of the SDK throws; the session is gone all the same.
        for (const session of this.#idleSince(idleMs)) session.close().catch(this.#options.onFault);
        if (this.#sessions.size > 0) this.#scheduleExpiry();
      },
      Math.min(idleMs, 60_000),
    );
    // An idle session keeps no process alive.
    (this.#expiry as { unref?: () => void }).unref?.();
  }
}
