import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, silentLog } from '../../core/environment.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import type { RunLimitsInput } from '../runs/run-limits.js';
import { Border, LOOPBACK_NAMES, type RequestHead } from './border.js';
import { Connections } from './connections.js';
import { isLoopback, refuseExposure } from './exposure.js';
import {
  authenticationOf,
  createMcpHttpHandler,
  type McpAuth,
  type McpHttpHandler,
  type McpHttpOptions,
} from './handler.js';
import { type HttpLimits, type HttpLimitsInput, parseLimits } from './limits.js';
import { createMetricsPage, METRICS_PATH, type MetricsSource } from './metrics-page.js';
import { headOf } from './node-face.js';
import { createResourceServer, type OAuthOptions } from './oauth.js';
import { refusalBody } from './refusal.js';

/** Options of {@link serveHttp}. */
export interface HttpServerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** `{ oauth }` accepts tokens of an authorization server; `resource` is this server unless said otherwise. */
  readonly auth: McpAuth | { readonly oauth: Omit<OAuthOptions, 'resource'> };
  /** Address under which clients know this server, when that is another one than it listens on. */
  readonly publicUrl?: string;
  /** Further names that `Host` may say. Needed when the address is reachable from other machines. */
  readonly allowedHosts?: readonly string[];
  /** Further origins of web pages that may call. */
  readonly allowedOrigins?: readonly string[];
  readonly limits?: HttpLimitsInput;
  /** Limits of runs; the others have their default. */
  readonly runLimits?: RunLimitsInput;
  /** What `/metrics` shows to callers that may read. Default: there is no such page. */
  readonly metrics?: MetricsSource;
  readonly log?: Log;
  readonly version: string;
}

/** A server that listens. */
export interface HttpConnection {
  /** Where MCP is, for instance `http://127.0.0.1:8642/mcp`. */
  readonly url: string;
  /** Accepts no further work; what is under way goes on, and its runs can be asked for until {@link close}. */
  drain(): void;
  /** Sends the answers that are still owed, for at most half a second, and ends what is left. */
  close(): Promise<void>;
}

/** Where the server answers MCP. */
const MCP_PATH = '/mcp';
const HEALTH_PATH = '/healthz';
const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** How long `close()` waits for answers, and then for readers, in milliseconds. */
const FLUSH_MS = 250;
/** How long an idle connection is kept, in milliseconds: longer than the proxies in front, usually 60 s. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Serves MCP over Streamable HTTP, with a health check at `/healthz` and, if asked for, figures at `/metrics`.
 *
 * @throws TypeError for an address that other machines reach without a token or without `allowedHosts`.
 * @throws Error when the address cannot be listened on, or the issuer of tokens cannot be asked.
 */
export function serveHttp(
  orchestrator: OrchestratorPort,
  options: HttpServerOptions,
): Promise<HttpConnection> {
  return serveHandler((handlerOptions) => createMcpHttpHandler(orchestrator, handlerOptions), options);
}

/** Makes the handler that a server mounts. */
type MakeHandler = (options: McpHttpOptions) => McpHttpHandler;

/** The same server around any handler. */
export async function serveHandler(
  makeHandler: MakeHandler,
  options: HttpServerOptions,
): Promise<HttpConnection> {
  refuseExposure(options);
  const limits = parseLimits(options.limits);
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    connectionsCheckingInterval: checkingIntervalMs(limits),
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The border refuses a missing Host, in JSON.
    requireHostHeader: false,
  });
  new Connections(server, limits);
  const listening = listen(server, options);
  const made = listening.then(async (url) => ({ url, site: await createSite(makeHandler, options, url) }));
  // Until the site is made, for which the issuer may have to be asked, requests wait for it.
  server.on('request', (request, response) => {
    made.then(
      ({ site }) => site.answer(request, response),
      () => response.destroy(),
    );
  });
  try {
    const { url, site } = await made;
    return connectionOf(server, site, url);
  } catch (cause) {
    server.close();
    server.closeAllConnections();
    throw cause;
  }
}

interface Site {
  readonly handler: McpHttpHandler;
  answer(request: IncomingMessage, response: ServerResponse): void;
  drain(): void;
}

async function createSite(makeHandler: MakeHandler, options: HttpServerOptions, url: string): Promise<Site> {
  const { log = silentLog, publicUrl = url, version, limits, runLimits } = options;
  const names = isLoopback(options.host) ? LOOPBACK_NAMES : [];
  const publicNames = options.publicUrl === undefined ? [] : [new URL(options.publicUrl).hostname];
  const allowedHosts = [...names, ...publicNames, ...(options.allowedHosts ?? [])];
  const allowedOrigins = [...names, ...(options.allowedOrigins ?? [])];
  const { auth, metadata } = await authOf(options.auth, publicUrl);
  const handler = makeHandler({
    auth,
    allowedHosts,
    allowedOrigins,
    log,
    version,
    ...(limits !== undefined && { limits }),
    ...(runLimits !== undefined && { runLimits }),
  });
  const border = new Border({ hosts: allowedHosts, origins: allowedOrigins });
  const metrics =
    options.metrics && createMetricsPage(options.metrics, { ...authenticationOf(auth, log), log });
  let status = 'ok';
  return {
    handler,
    drain() {
      status = 'draining';
      handler.drain();
    },
    answer(request, response) {
      const path = (request.url ?? '/').split('?', 1)[0] as string;
      if (path === MCP_PATH) return void handler.node(request, response);
      const head = headOf(request);
      if (path === METRICS_PATH && metrics !== undefined) {
        const shown = border.check(head) ?? metrics(head.method, head.header('authorization'));
        void Promise.resolve(shown).then((page) => send(response, border.stamp(head, page)));
        return;
      }
      const document = documentAt(path, { status, metadata });
      void send(response, border.stamp(head, border.check(head) ?? documentResponse(head, document)));
    },
  };
}

async function authOf(
  auth: HttpServerOptions['auth'],
  resource: string,
): Promise<{ auth: McpAuth; metadata?: object }> {
  if (auth === 'none' || !('oauth' in auth)) return { auth };
  const { verify, metadata, metadataUrl } = await createResourceServer({ ...auth.oauth, resource });
  return { auth: { verify, resourceMetadataUrl: metadataUrl }, metadata };
}

interface Document {
  readonly status: number;
  readonly text: string;
}

function documentAt(
  path: string,
  { status, metadata }: { status: string; metadata: object | undefined },
): Document {
  if (path === HEALTH_PATH) return { status: status === 'ok' ? 200 : 503, text: JSON.stringify({ status }) };
  // The place of a resource with a path is below; some clients only look at the place without one.
  if (metadata !== undefined && (path === METADATA_PATH || path.startsWith(`${METADATA_PATH}/`))) {
    return { status: 200, text: JSON.stringify(metadata) };
  }
  const message = `There is nothing here; MCP is at ${MCP_PATH}.`;
  return { status: 404, text: refusalBody({ status: 404, message }) };
}

function documentResponse({ method }: RequestHead, { status, text }: Document): Response {
  const headers = { 'content-type': 'application/json' };
  if (method === 'GET' || method === 'HEAD' || status === 404) return new Response(text, { status, headers });
  const body = refusalBody({ status: 405, message: `There is no ${method} here.` });
  return new Response(body, { status: 405, headers: { ...headers, allow: 'GET, HEAD' } });
}

async function send(response: ServerResponse, answer: Response): Promise<void> {
  response.on('error', () => {});
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
}

/** @returns Where MCP is. */
async function listen(server: Server, { host, port, log = silentLog }: HttpServerOptions): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  server.on('error', (cause) => log.error({ err: cause }, 'fault of the HTTP server'));
  const { address, port: actualPort } = server.address() as AddressInfo;
  return `http://${inUrl(address)}:${actualPort}${MCP_PATH}`;
}

function connectionOf(server: Server, { handler, drain }: Site, url: string): HttpConnection {
  const closed = new Promise<void>((resolve) => {
    server.once('close', resolve);
  });
  return {
    url,
    drain,
    async close() {
      drain();
      server.close();
      server.closeIdleConnections();
      await Promise.race([handler.answered(), sleep(FLUSH_MS)]);
      await handler.close();
      const isClosed = await Promise.race([closedOnceIdle(server, closed), sleep(FLUSH_MS, false)]);
      if (isClosed === false) server.closeAllConnections();
      await closed;
    },
  };
}

/** A connection whose last answer was on its way when the drain began becomes idle only after it. */
async function closedOnceIdle(server: Server, closed: Promise<unknown>): Promise<void> {
  const timer = setInterval(() => server.closeIdleConnections(), 10);
  // A reader who stays away is closed by the caller.
  const giveUp = setTimeout(() => clearInterval(timer), FLUSH_MS);
  await closed;
  clearTimeout(giveUp);
  clearInterval(timer);
}

/** Node looks for slow requests now and then: often enough that a limit is kept within a quarter of it. */
function checkingIntervalMs({ headersSeconds, requestSeconds }: HttpLimits): number {
  return Math.min(1000, Math.ceil(Math.min(headersSeconds, requestSeconds) * 250));
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
