import { randomUUID } from 'node:crypto';
import { isJsonContentType } from '@modelcontextprotocol/server';
import type { Log } from '../../core/environment.js';
import { internalError } from '../../core/errors.js';
import { isListenRequest } from '../messages.js';
import { challengeScope } from './authenticate.js';
import type { Border } from './border.js';
import { type Authenticate, type Caller, toAuthInfo } from './caller.js';
import type { Endpoint } from './endpoint.js';
import type { IncomingCall } from './incoming-call.js';
import type { HttpLimits } from './limits.js';
import type { CallCount, Quota } from './quota.js';
import { checkShape, readBody } from './read-body.js';
import { INTERNAL_ERROR, idOf, refuse } from './refusal.js';
import { scopeNeeded } from './scopes.js';
import { whenBodyEnds } from './when-body-ends.js';

/** The SDK looks at no part of the address. */
const ADDRESS = 'http://localhost/mcp';
const METHODS = new Set(['POST', 'GET', 'DELETE']);

/** What a {@link Desk} works with. */
export interface DeskParts {
  readonly border: Border;
  readonly authenticate: Authenticate;
  readonly resourceMetadataUrl?: string;
  readonly endpoint: Endpoint;
  readonly quota: Quota;
  readonly limits: HttpLimits;
  readonly log: Log;
}

/**
 * Where requests are received: each passes the border, says who it is, and is read, counted and handed on.
 *
 * Owns: how many requests are under way. Talks to: the border, the verifier, the quota, the endpoint.
 * Invariants: L1 no byte of a body is read before its sender is known; L2 every request gets an answer, and every refusal
 * is JSON; L3 a place in the quota is given back when the answer has ended.
 */
export class Desk {
  readonly #parts: DeskParts;
  readonly #idleWaiters = new Set<() => void>();
  #underWay = 0;
  isDraining = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  async answer(call: IncomingCall): Promise<Response> {
    const { border, log } = this.#parts;
    const response =
      border.check(call) ?? (await this.#receive(call).catch((cause) => this.#fail(call, cause)));
    if (response.status >= 400)
      log.debug({ status: response.status, method: call.method }, 'refused an HTTP request');
    return border.stamp(call, response);
  }

  drain(): void {
    this.isDraining = true;
  }

  async answered(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#idleWaiters.add(resolve));
  }

  async close(): Promise<void> {
    this.drain();
    await this.#parts.endpoint.close();
  }

  async #receive(call: IncomingCall): Promise<Response> {
    if (!METHODS.has(call.method)) {
      return refuse({
        status: 405,
        message: `There is no ${call.method} here.`,
        headers: { allow: 'POST, GET, DELETE' },
      });
    }
    const caller = await this.#parts.authenticate(call.header('authorization'));
    if (caller instanceof Response) return caller;
    if (call.method !== 'POST') return this.#admit(call, undefined, caller, { requests: 0, messages: 1 });
    const encoding = call.header('content-encoding') ?? 'identity';
    if (!isJsonContentType(call.header('content-type')) || encoding !== 'identity') {
      return refuse({
        status: 415,
        message: 'The body must be application/json without a Content-Encoding.',
      });
    }
    if ((call.header('transfer-encoding') ?? 'chunked').toLowerCase() !== 'chunked') {
      return refuse({ status: 501, message: 'The only Transfer-Encoding here is chunked.' });
    }
    const source = call.body();
    const { limits } = this.#parts;
    const body = 'parsed' in source ? checkShape(source.parsed, limits) : await readBody(source, limits);
    return 'refusal' in body ? refuse(body.refusal) : this.#post(call, body.json, caller);
  }

  #post(call: IncomingCall, body: unknown, caller: Caller): Response | Promise<Response> {
    const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
    const id = idOf(body);
    for (const scope of messages.map(scopeNeeded)) {
      if (scope !== undefined && !caller.scopes.includes(scope)) {
        return challengeScope(scope, this.#parts.resourceMetadataUrl);
      }
    }
    const requests = messages.filter(isRequest).length;
    // Notifications are let through while draining: a cancel frees what the drain waits for. So are questions about runs,
    // whose answers would be lost with the process.
    const isRefused = (message: unknown): boolean => isRequest(message) && !isAboutRun(message);
    if (this.isDraining && messages.some(isRefused)) {
      const message = 'The server is shutting down; ask another one, or again after its restart.';
      return refuse({ status: 503, message, id, headers: { 'retry-after': '5' } });
    }
    return this.#admit(call, body, caller, { requests, messages: messages.length });
  }

  async #admit(call: IncomingCall, body: unknown, caller: Caller, count: CallCount): Promise<Response> {
    const admission = this.#parts.quota.admit(caller.principal, count);
    if (!admission.admitted) {
      const headers = { 'retry-after': String(admission.retryAfterSeconds) };
      return refuse({ status: 429, message: admission.why, id: idOf(body), headers });
    }
    if (count.requests === 0) return this.#passOn(call, body, caller);
    this.#underWay += 1;
    const end = () => {
      admission.release();
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#tellIdle();
    };
    try {
      const response = await this.#passOn(call, body, caller);
      if (!isListenRequest(body)) return whenBodyEnds(response, end);
      // A listening stream is no work; how many there may be is another limit.
      end();
      return response;
    } catch (cause) {
      end();
      throw cause;
    }
  }

  #fail(call: IncomingCall, cause: unknown): Response {
    // A client that breaks off in the middle of its body is the usual cause; nobody reads this answer.
    if (call.signal.aborted) return refuse({ status: 400, message: 'The request broke off.' });
    const { message, facts } = internalError(randomUUID(), cause);
    this.#parts.log.error({ errorId: facts.errorId, err: cause }, 'HTTP request failed');
    return refuse({ status: 500, code: INTERNAL_ERROR, message });
  }

  #passOn(call: IncomingCall, body: unknown, caller: Caller): Promise<Response> {
    const headers = call.headers();
    // What a tool can see of the request must not hold the token.
    for (const secret of ['authorization', 'proxy-authorization', 'cookie']) headers.delete(secret);
    const request = new Request(ADDRESS, { method: call.method, headers, signal: call.signal });
    return this.#parts.endpoint.answer(request, body, toAuthInfo(caller));
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters.clear();
  }
}

const RUN_TOOLS = new Set<unknown>(['getRun', 'cancelRun']);
const RUN_METHODS = new Set<unknown>(['tasks/get', 'tasks/cancel']);

/** Whether a request fetches or stops work that is there already. */
function isAboutRun(message: unknown): boolean {
  const { method, params } = message as {
    readonly method: unknown;
    readonly params?: { readonly name?: unknown };
  };
  return RUN_METHODS.has(method) || (method === 'tools/call' && RUN_TOOLS.has(params?.name));
}

function isRequest(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'method' in message && 'id' in message;
}
