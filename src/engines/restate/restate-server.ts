import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Agent } from 'undici';
import * as errors from '../../core/errors.js';
import { RequestGate } from './request-gate.js';
import { WaitingLine } from './waiting-line.js';

/** Least version whose flow control holds: earlier ones left invocations stuck. */
const LEAST_VERSION = [1, 7, 12] as const;

/** How long to wait between two tries of what must not be lost, in milliseconds. */
const RETRY_MS = { first: 50, most: 1000 } as const;

/** How long an invocation that goes on with a task may take to arrive, in milliseconds, at a server that answers: a leader may fail. */
const ARRIVAL_MS = 60_000;

/** How many requests are with the server at once, those aside that wait for the end of an invocation. */
const MOST_REQUESTS = 128;

/** What the server answers when asked for the end of an invocation that has none. */
const NOT_READY = 470;

/** Where a server is. */
export interface ServerAddress {
  /** Where tasks are handed over. */
  readonly ingressUrl: string;
  /** Where deployments, limits and invocations are steered. */
  readonly adminUrl: string;
  /** Limit of one request, in milliseconds. */
  readonly timeoutMs: number;
}

/** An invocation at the server. */
export interface Invocation {
  readonly id: string;
  /** Another caller had started it, under the same key. */
  readonly isKnown: boolean;
  /** Another invocation has started it with its last step: it may arrive a little later than the end of that one. */
  readonly isNext: boolean;
}

/** How an invocation ended: with what its handler returned, or with the code and the words of a failure. */
export type InvocationEnd =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly code: number; readonly message: string };

/**
 * A Restate server by its HTTP interface: one file, so that all that is asked of it is read together. Owns: its connections.
 * Every request has a time limit; those that wait for the end of an invocation are asked again until it has ended.
 */
export class RestateServer {
  readonly address: ServerAddress;
  #client: Promise<HttpClient> | undefined;
  readonly #closing = new AbortController();
  readonly #waitingLine: WaitingLine;
  /** Path of the ingress, without a slash at its end. */
  readonly #path: string;
  readonly #gate = new RequestGate(MOST_REQUESTS);
  #answeredAtMs = 0;

  constructor(address: ServerAddress) {
    this.address = address;
    const { origin, pathname } = new URL(address.ingressUrl);
    this.#waitingLine = new WaitingLine(origin);
    this.#path = pathname.replace(/\/$/, '');
    // Every request listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Makes sure that the server is there, new enough, and has what limits need.
   *
   * @throws OrchestratorError `ENGINE_UNAVAILABLE` with what to do.
   */
  async check(): Promise<void> {
    const { status, body } = await this.#admin('GET', '/version');
    const { version = '', features = {} } = asObject(body) as {
      version?: string;
      features?: Record<string, unknown>;
    };
    if (status !== 200 || version === '')
      throw this.#adminUnavailable(`answered ${status} when asked for its version`);
    if (!isAtLeast(version)) {
      throw this.#adminUnavailable(
        `has version ${version}, and ${LEAST_VERSION.join('.')} or later is needed`,
      );
    }
    if (features.vqueues !== true || features.protocol_v7 !== true) {
      throw this.#adminUnavailable(
        'runs without flow control; start it with RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7=true and RESTATE_EXPERIMENTAL_ENABLE_VQUEUES=true, on an empty data folder',
      );
    }
  }

  /** Makes the workers at an address known. */
  async register(url: string): Promise<void> {
    const { status, body } = await this.#admin('POST', '/deployments', { uri: url, force: true });
    if (status >= 300) throw this.#adminUnavailable(`did not take the worker at ${url}: ${wordsOf(body)}`);
  }

  /** Sets limits: a pattern (`scope` or `scope/key`) and how many invocations of it may run at once; null lifts it. */
  async setLimits(limits: ReadonlyMap<string, number | null>): Promise<void> {
    const rules = [...limits].map(([pattern, concurrency]) => ({ pattern, limits: { concurrency } }));
    if (rules.length === 0) return;
    const { status, body } = await this.#admin('PUT', '/limits/rules', rules);
    if (status >= 300) throw this.#adminUnavailable(`did not take the limits: ${wordsOf(body)}`);
  }

  /**
   * Starts an invocation, once, however often it must be asked.
   *
   * @throws OrchestratorError `ENGINE_UNAVAILABLE` when the server does not take it within the time limit.
   */
  async send(path: string, key: string, message: unknown): Promise<Invocation> {
    const headers = { 'idempotency-key': key };
    const fail = (what: string, cause?: unknown) =>
      errors.handOverFailed(this.address.ingressUrl, what, cause);
    let asked = 0;
    const { status, body } = await this.#persist((limitMs) => {
      asked += 1;
      return this.#ask('POST', `${this.address.ingressUrl}/${path}`, { message, headers, limitMs });
    }, fail);
    const { invocationId, status: outcome } = asObject(body) as { invocationId?: string; status?: string };
    if (status < 300 && invocationId) {
      // After a fault it may have been started by the request that seemed to fail.
      return { id: invocationId, isKnown: outcome === 'PreviouslyAccepted' && asked === 1, isNext: false };
    }
    throw fail(
      status === 404
        ? 'knows no worker for this namespace; start one with gaffr worker --engine restate'
        : `answered ${status} to a task: ${wordsOf(body)}`,
    );
  }

  /** Calls a handler and resolves with what it returns. @throws OrchestratorError `ENGINE_UNAVAILABLE` */
  async call(target: string, message: unknown): Promise<unknown> {
    const { status, body } = await this.#persist((limitMs) =>
      this.#ask('POST', `${this.address.ingressUrl}/${target}`, { message, limitMs }),
    );
    if (status < 300) return body;
    throw this.#unavailable(`answered ${status}: ${wordsOf(body)}`);
  }

  /** Sees to it that the server reaches a worker, and that the worker answers. @throws OrchestratorError `ENGINE_UNAVAILABLE` */
  async probe(target: string, url: string): Promise<void> {
    try {
      await this.call(target, undefined);
    } catch (cause) {
      throw this.#unavailable(
        `gets no answer from the worker at ${url} within ${this.address.timeoutMs / 1000} s; name the address under which it reaches the worker (gaffr: --url)`,
        cause,
      );
    }
  }

  /** Resolves once an invocation has ended, however often the server goes away meanwhile; null when this was closed. */
  async endOf(invocation: Invocation): Promise<InvocationEnd | null> {
    const mayArrive = arrivalOf(invocation);
    for (let waitMs: number = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.most)) {
      try {
        const { status, body } = await this.#attach(invocation.id);
        if (status < 300) return { kind: 'returned', value: body };
        if (!mayArrive(status) && (status < 500 || isOfTheHandler(body))) {
          return { kind: 'failed', code: status, message: wordsOf(body) };
        }
      } catch {
        // It went away: it knows the invocation when it is back.
      }
      if (this.#closing.signal.aborted) return null;
      await pause(waitMs, this.#closing.signal);
    }
  }

  /** How an invocation has ended; null when it has not. */
  async endSoFar(invocationId: string): Promise<InvocationEnd | null> {
    const url = `${this.address.ingressUrl}/restate/invocation/${invocationId}/output`;
    const { status, body } = await this.#persist((limitMs) => this.#ask('GET', url, { limitMs }));
    if (status < 300) return { kind: 'returned', value: body };
    return status !== NOT_READY && isOfTheHandler(body)
      ? { kind: 'failed', code: status, message: wordsOf(body) }
      : null;
  }

  /** Asks an invocation to stop. Resolves once the server knows; its end says whether it did. */
  async cancel(invocation: Invocation): Promise<void> {
    const mayArrive = arrivalOf(invocation);
    for (;;) {
      const { status } = await this.#admin('PATCH', `/invocations/${invocation.id}/cancel`);
      if (!mayArrive(status) || this.#closing.signal.aborted) return;
      await pause(RETRY_MS.first, this.#closing.signal);
    }
  }

  /** Forgets an invocation that has ended, so that its key can be used again. False when it has not ended. */
  async forget(invocationId: string): Promise<boolean> {
    const { status } = await this.#admin('PATCH', `/invocations/${invocationId}/purge`);
    return status < 300;
  }

  /** Rows of a query over the server's tables. */
  async query(query: string): Promise<readonly Record<string, unknown>[]> {
    const { status, body } = await this.#admin('POST', '/query', { query });
    if (status >= 300) throw this.#adminUnavailable(`did not answer a query: ${wordsOf(body)}`);
    const { rows } = asObject(body) as { rows?: unknown };
    return Array.isArray(rows) ? rows : [];
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#waitingLine.close();
    const client = await this.#client;
    await client?.agent.destroy();
  }

  #admin(method: Method, path: string, message?: unknown): Promise<Answer> {
    return this.#persist(
      (limitMs) => this.#ask(method, `${this.address.adminUrl}${path}`, { message, limitMs }),
      (what, cause) =>
        this.#adminUnavailable(`${what}; start it, or name its admin interface (gaffr: --admin)`, cause),
    );
  }

  async #attach(invocationId: string): Promise<Answer> {
    const path = `/restate/invocation/${invocationId}/attach`;
    if (this.#waitingLine.isRefused) return this.#ask('GET', `${this.address.ingressUrl}${path}`, {});
    const { status, text } = await this.#waitingLine.get(`${this.#path}${path}`);
    return { status, body: parsed(text) };
  }

  /** Asks until there is an answer that is not of a server on its way down or up. @param fail - Tells that there was none. */
  async #persist(ask: Ask, fail: Fail = (what, cause) => this.#unavailable(what, cause)): Promise<Answer> {
    const askedAtMs = Date.now();
    await this.#gate.enter();
    try {
      // As long as the server answers others, one may wait longer for its turn.
      const endMs = Math.max(askedAtMs, this.#answeredAtMs) + this.address.timeoutMs;
      return await this.#persistUntil(endMs, ask, fail);
    } finally {
      this.#gate.leave();
    }
  }

  async #persistUntil(endMs: number, ask: Ask, fail: Fail): Promise<Answer> {
    for (let waitMs: number = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.most)) {
      try {
        const answer = await ask(Math.max(1, endMs - Date.now()));
        if (answer.status !== 503) this.#answeredAtMs = Date.now();
        if (answer.status !== 503 || Date.now() + waitMs >= endMs) return answer;
      } catch (cause) {
        if (this.#closing.signal.aborted || Date.now() + waitMs >= endMs) {
          throw fail(`does not answer (${errors.messageOf(cause)})`, cause);
        }
      }
      await pause(waitMs, this.#closing.signal);
    }
  }

  async #ask(
    method: Method,
    url: string,
    {
      message,
      headers = {},
      limitMs,
    }: { readonly message?: unknown; readonly headers?: Record<string, string>; readonly limitMs?: number },
  ): Promise<Answer> {
    const { signal: closing } = this.#closing;
    const signal = limitMs === undefined ? closing : AbortSignal.any([closing, AbortSignal.timeout(limitMs)]);
    this.#client ??= loadClient();
    const { agent, request } = await this.#client;
    const { statusCode, body } = await request(url, {
      method,
      dispatcher: agent,
      signal,
      headers: {
        accept: 'application/json',
        ...(message !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: message === undefined ? null : JSON.stringify(message),
    });
    return { status: statusCode, body: parsed(await body.text()) };
  }

  #unavailable(what: string, cause?: unknown): errors.OrchestratorError {
    return errors.engineUnavailable(this.address.ingressUrl, what, cause);
  }

  #adminUnavailable(what: string, cause?: unknown): errors.OrchestratorError {
    return errors.engineUnavailable(this.address.adminUrl, what, cause);
  }
}

interface HttpClient {
  readonly agent: Agent;
  readonly request: typeof import('undici').request;
}

/** Loaded at the first request: every import of the library would pay for it otherwise. */
async function loadClient(): Promise<HttpClient> {
  const { Agent, request } = await import('undici');
  // Waiting for the end of a task has no limit of time.
  return { agent: new Agent({ keepAliveTimeout: 10_000, headersTimeout: 0, bodyTimeout: 0 }), request };
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH';

type Ask = (limitMs: number) => Promise<Answer>;
type Fail = (what: string, cause: unknown) => errors.OrchestratorError;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return text;
  }
}

function asObject(body: unknown): object {
  return typeof body === 'object' && body !== null ? body : {};
}

function wordsOf(body: unknown): string {
  const { message } = asObject(body) as { message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(body);
}

/**
 * Tells of an answer whether the invocation was not found because it has yet to arrive. The time for that counts from the
 * first such answer: a server that is away brings nothing on its way.
 */
function arrivalOf({ isNext }: Invocation): (status: number) => boolean {
  let endMs: number | null = null;
  return (status) => {
    if (!isNext || status !== 404) return false;
    endMs ??= Date.now() + ARRIVAL_MS;
    return Date.now() < endMs;
  };
}

/** An end of the invocation, and not a fault of the server. */
function isOfTheHandler(body: unknown): boolean {
  return (asObject(body) as { source?: unknown }).source === 'handler';
}

function isAtLeast(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, least] of LEAST_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** Resolves after a while, or as soon as the signal fires. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
