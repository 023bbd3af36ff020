/**
 * Reads web pages that a task names, and nothing else: no address inside the machine or its network can be reached.
 *
 * Owns one undici agent; talks to the network. One file, because a guard with a gap is none: its checks are to be read
 * together. Invariants:
 * - L1 only http and https, without credentials; every redirect (at most `maxRedirects`) is checked like the first address.
 * - L2 a connection is made only to a public unicast address. Literals are checked as they stand, names when they are
 *   looked up, and the connected socket once more, so that a name whose answer changes gains nothing.
 * - L3 hosts of `allowPrivateHosts` are exempt from L2: the operator names them, a task never can.
 * - L4 at most `maxBytes` of a body are read, counted after decompression.
 */

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, fetch, type Response } from 'undici';
import { messageOf, OrchestratorError } from '../core/errors.js';
import { invalidInput } from './input-errors.js';
import { readRetryAfter } from './retry-after.js';

export interface GuardedFetchOptions {
  /** Hosts, or `host:port`, that may be read although they are private. Default none. */
  readonly allowPrivateHosts?: readonly string[];
  /** Largest body, in bytes. Default 5 MiB. */
  readonly maxBytes?: number;
  /** Default 3. */
  readonly maxRedirects?: number;
  /** Longest wait for the headers, and between two pieces of a body, in milliseconds. Default 30,000. */
  readonly idleTimeoutMs?: number;
  /** Looks names up; for tests. Default: the system's. */
  readonly lookup?: NameLookup;
}

/** What is sent beside the address; a request with a body is a POST. It goes to the first address only. */
export interface GuardedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The addresses of a host name. */
export type NameLookup = (
  hostname: string,
  options: LookupOptions,
  answer: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** A body as it was served. */
export interface FetchedDocument {
  /** After redirects. */
  readonly url: string;
  /** Media type in lower case without parameters; empty when the server names none. */
  readonly contentType: string;
  /** As the server names it, or null. */
  readonly charset: string | null;
  readonly body: Uint8Array;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const HEADERS = {
  'user-agent': 'Mozilla/5.0 (compatible; gaffr)',
  accept: 'text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.9,*/*;q=0.5',
};

export class GuardedFetch {
  readonly #agent: Agent;
  readonly #maxBytes: number;
  readonly #maxRedirects: number;

  constructor(options: GuardedFetchOptions = {}) {
    const { maxBytes = 5 * 1024 * 1024, maxRedirects = 3, idleTimeoutMs = 30_000 } = options;
    this.#maxBytes = maxBytes;
    this.#maxRedirects = maxRedirects;
    const timeouts = { headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs };
    // pipelining 0: no connection is kept for later, where the server may have closed it meanwhile.
    this.#agent = new Agent({ connect: guardedConnector(options), pipelining: 0, ...timeouts });
  }

  /**
   * @throws OrchestratorError `INVALID_INPUT` (refused address, too large, too many redirects), `SERVICE_AUTH_REQUIRED`,
   * `SERVICE_FAILED` (`facts.status` for an HTTP status; retryable for 408, 429, 5xx and lost connections); the signal's
   * reason when it fires
   */
  async get(url: string, signal: AbortSignal, request?: GuardedRequest): Promise<FetchedDocument> {
    let address = checkedAddress(url, url);
    for (let redirects = 0; ; redirects++) {
      const response = await this.#request(address, signal, request);
      const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
      if (location === null) return await this.#documentOf(address, response, signal);
      await response.body?.cancel();
      // A redirect may lead to another's server, which must not get the headers.
      if (redirects === this.#maxRedirects || request !== undefined)
        throw tooManyRedirects(url, this.#maxRedirects);
      address = checkedAddress(location, url, address);
    }
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #request(address: URL, signal: AbortSignal, request?: GuardedRequest): Promise<Response> {
    const { headers, body } = request ?? { headers: {} };
    try {
      return await fetch(address, {
        dispatcher: this.#agent,
        redirect: 'manual',
        headers: { ...HEADERS, ...headers },
        signal,
        ...(body !== undefined && { method: 'POST', body }),
      });
    } catch (error) {
      throw failureOf(address, error, signal);
    }
  }

  async #documentOf(address: URL, response: Response, signal: AbortSignal): Promise<FetchedDocument> {
    if (!response.ok) {
      await response.body?.cancel();
      throw statusFailure(address, response);
    }
    const [type = '', ...parameters] = (response.headers.get('content-type') ?? '').split(';');
    const charset = parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)/i.exec(parameter)?.[1]);
    return {
      url: address.href,
      contentType: type.trim().toLowerCase(),
      charset: charset.find((name) => name !== undefined) ?? null,
      body: await this.#bodyOf(address, response, signal),
    };
  }

  async #bodyOf(address: URL, response: Response, signal: AbortSignal): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      for await (const piece of response.body ?? []) {
        pieces.push(piece);
        sizeBytes += piece.byteLength;
        // Leaving the loop cancels the stream, so the rest is never read.
        if (sizeBytes > this.#maxBytes) break;
      }
    } catch (error) {
      throw failureOf(address, error, signal);
    }
    if (sizeBytes <= this.#maxBytes) return Buffer.concat(pieces);
    const message = `${shown(address)} serves more than ${this.#maxBytes} bytes; name a smaller page.`;
    throw invalidInput('too-large', message, { url: shown(address), maxBytes: this.#maxBytes });
  }
}

/** True for an address that is reachable by anybody: global unicast, neither mapped, translated nor reserved. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  // All of today's global IPv6 is 2000::/3; the rest of "unicast" holds leftovers such as ::127.0.0.1.
  return parsed.kind() === 'ipv4' || ((parsed.toByteArray()[0] ?? 0) & 0xe0) === 0x20;
}

/** Makes connections by L2 and L3 of this file. */
export function guardedConnector({
  allowPrivateHosts = [],
  lookup = systemLookupAll,
}: Pick<GuardedFetchOptions, 'allowPrivateHosts' | 'lookup'>) {
  const allowed = new Set(allowPrivateHosts.map((host) => host.toLowerCase().replace(/\.$/, '')));
  const openly = buildConnector({});
  const guardedly = buildConnector({ lookup: publicLookup(lookup) });
  return (options: buildConnector.Options, done: buildConnector.Callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const port = options.port || (options.protocol === 'https:' ? '443' : '80');
    const names = [host, `[${host}]`, `${host}:${port}`, `[${host}]:${port}`];
    if (names.some((name) => allowed.has(name.toLowerCase()))) {
      openly(options, done);
      return;
    }
    // A literal address is never looked up, so the lookup cannot refuse it; localhost means this machine in any case.
    if ((isIP(host) !== 0 && !isPublicAddress(host)) || /(?:^|\.)localhost$/i.test(host)) {
      done(refusedAddress(host), null);
      return;
    }
    guardedly(options, (error, socket) => {
      if (error !== null) done(error, null);
      else if (isPublicAddress(socket.remoteAddress ?? '')) done(null, socket);
      else {
        socket.destroy();
        done(refusedAddress(host), null);
      }
    });
  };
}

/** A lookup that fails unless every address is public: one private address among them is an attempt. */
function publicLookup(lookup: NameLookup): LookupFunction {
  return (hostname, options, answer) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) answer(error, '', 0);
      else if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        answer(refusedAddress(hostname), '', 0);
      } else if (options.all === true) answer(null, [...addresses]);
      else answer(null, first.address, first.family);
    });
  };
}

const systemLookupAll: NameLookup = (hostname, options, answer) => {
  systemLookup(hostname, { ...options, all: true }, answer);
};

/**
 * An address that may be asked for, as far as its text tells.
 *
 * @param asked - As the task has it, for messages.
 * @throws OrchestratorError `INVALID_INPUT`: another scheme, or credentials
 */
export function checkedAddress(text: string, asked: string, base?: URL): URL {
  const address = URL.canParse(text, base?.href) ? new URL(text, base) : null;
  if (address === null || (address.protocol !== 'http:' && address.protocol !== 'https:')) {
    const where =
      base === undefined
        ? `"${asked.slice(0, 200)}"`
        : `"${asked.slice(0, 200)}" leads to "${text.slice(0, 200)}", which`;
    throw invalidInput(
      'scheme',
      `${where} is no web address that is read; name one with http:// or https://.`,
    );
  }
  if (address.username !== '' || address.password !== '') {
    const message = `${shown(address)} carries a user name or password, which is not sent; name the address without it.`;
    throw invalidInput('credentials', message, { url: shown(address) });
  }
  return address;
}

/** Without credentials, query and fragment, which may hold secrets. */
function shown(address: URL): string {
  return `${address.protocol}//${address.host}${address.pathname}`.slice(0, 300);
}

/** `INVALID_INPUT`: the address is inside this machine or its network. */
export function refusedAddress(host: string): OrchestratorError {
  const message = `"${host}" is an address inside this machine or its network, which tasks may not read; the operator can allow it in "allowPrivateHosts".`;
  return invalidInput('refused-address', message, { host });
}

function tooManyRedirects(url: string, maxRedirects: number): OrchestratorError {
  const message = `"${url.slice(0, 200)}" redirects more than ${maxRedirects} times; name the page it leads to.`;
  return invalidInput('redirects', message, { maxRedirects });
}

/** fetch() hides what happened as the cause of "fetch failed". */
function failureOf(address: URL, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
  if (cause instanceof OrchestratorError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  // A name that does not exist will not exist in a second either.
  const isUnknownName = code === 'ENOTFOUND';
  const advice = isUnknownName ? 'check the spelling of the host' : 'check the address or try again later';
  const message = `${shown(address)} cannot be read (${messageOf(cause)}); ${advice}.`;
  const facts = { url: shown(address), ...(code !== null && { code }) };
  return new OrchestratorError('SERVICE_FAILED', message, facts, {
    cause,
    retryable: !isUnknownName,
    // The host was named by the task: that it is down says nothing of this service.
    isTransportFault: false,
  });
}

function statusFailure(address: URL, response: Response): OrchestratorError {
  const { status } = response;
  const facts = { url: shown(address), status };
  if (status === 401 || status === 403) {
    const message = `${shown(address)} answers HTTP ${status}: it wants a login; name a page that is open to all.`;
    return new OrchestratorError('SERVICE_AUTH_REQUIRED', message, facts);
  }
  const retryable = status === 408 || status === 429 || status >= 500;
  const wait = readRetryAfter(response.headers, Date.now());
  const advice = retryable ? 'try again later' : 'check the address';
  const message = `${shown(address)} answers HTTP ${status}; ${advice}.`;
  const all = retryable && wait !== undefined ? { ...facts, retryAfterSeconds: wait } : facts;
  return new OrchestratorError('SERVICE_FAILED', message, all, { retryable, isTransportFault: false });
}
