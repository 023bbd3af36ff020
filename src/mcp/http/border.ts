import { validateHostHeader, validateOriginHeader } from '@modelcontextprotocol/server';
import { misuse } from '../../core/errors.js';
import { refuse } from './refusal.js';

/** What the border looks at: the head of a request. */
export interface RequestHead {
  readonly method: string;
  /** The first value of a header, or null. */
  header(name: string): string | null;
}

/** Hosts and origins from which requests may come. */
export interface BorderRules {
  /** Names in `Host`, without a port; IPv6 in brackets. */
  readonly hosts: readonly string[];
  /** Whole origins such as `https://app.example.com`, and bare names, which stand for every scheme and port. */
  readonly origins: readonly string[];
}

/** Names of this machine, for `Host` and `Origin`. */
export const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

const ALLOWED_METHODS = 'POST, GET, DELETE';
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID';
const EXPOSED_HEADERS = 'Mcp-Session-Id, WWW-Authenticate, Retry-After';

/**
 * Refuses requests that a web page made a browser send: a foreign `Host` is a rebound name, a foreign `Origin` a foreign
 * page. Programs send no `Origin` and pass.
 */
export class Border {
  readonly #hosts: string[];
  readonly #origins: ReadonlySet<string>;
  readonly #originNames: string[];

  /** @throws TypeError for a host that is none or has a port, and for an origin with a path. */
  constructor({ hosts, origins }: BorderRules) {
    this.#hosts = hosts.map(normalHost);
    this.#origins = new Set(origins.filter((origin) => origin.includes('://')).map(normalOrigin));
    this.#originNames = origins.filter((origin) => !origin.includes('://')).map(normalHost);
  }

  /** The answer to a request that may not pass, or to a browser's question whether it may; else undefined. */
  check(head: RequestHead): Response | undefined {
    const named = head.header('host');
    const host = validateHostHeader(named, this.#hosts);
    if (host.ok && !HOST.test(named ?? '')) {
      return refuse({
        status: 400,
        message: 'Host must be a name and perhaps a port, and nothing beside it.',
      });
    }
    if (!host.ok) return refuse({ status: 403, message: `${host.message}; allow it with allowedHosts.` });
    const origin = head.header('origin');
    if (origin === null) return undefined;
    if (!this.#allows(origin)) {
      return refuse({
        status: 403,
        message: 'Requests from this Origin are not allowed; see allowedOrigins.',
      });
    }
    return head.method === 'OPTIONS' ? new Response(null, { status: 204, headers: PREFLIGHT }) : undefined;
  }

  /** Adds what every answer carries; a page of an allowed origin may read it. */
  stamp(head: RequestHead, response: Response): Response {
    const { headers } = response;
    headers.set('x-content-type-options', 'nosniff');
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
    const origin = head.header('origin');
    if (origin !== null && this.#allows(origin)) {
      headers.set('access-control-allow-origin', origin);
      headers.set('access-control-expose-headers', EXPOSED_HEADERS);
      headers.set('vary', 'Origin');
    }
    return response;
  }

  #allows(origin: string): boolean {
    if (!ORIGIN.test(origin)) return false;
    return this.#origins.has(origin.toLowerCase()) || validateOriginHeader(origin, this.#originNames).ok;
  }
}

// What a URL may have beside its host (users, paths, fragments) hides the host from whoever reads it otherwise.
const HOST = /^(\[[\da-f:.]+\]|[^\s/\\?#@:[\]]+)(:\d{1,5})?$/i;
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/\\?#@]+$/i;

const PREFLIGHT = {
  'access-control-allow-methods': ALLOWED_METHODS,
  'access-control-allow-headers': ALLOWED_HEADERS,
  'access-control-max-age': '600',
};

/** As the SDK reads it from a request: lower case, names of other scripts in their ASCII form. */
function normalHost(text: string): string {
  const hostname = URL.canParse(`http://${text}`) ? new URL(`http://${text}`).hostname : '';
  const isName = /^([\w.-]+|\[[\da-f:.]+\])$/.test(hostname);
  if (isName && !/[/@]|:\d*$/.test(text)) return hostname;
  throw misuse(`Allowed hosts are names without scheme and port, IPv6 in brackets, not "${text}".`);
}

function normalOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url !== undefined &&
    url.host !== '' &&
    url.href.replace(/\/$/, '') === `${url.protocol}//${url.host}` &&
    !text.endsWith('/')
  ) {
    return `${url.protocol}//${url.host}`;
  }
  throw misuse(`Allowed origins are like https://app.example.com, without a path, not "${text}".`);
}
