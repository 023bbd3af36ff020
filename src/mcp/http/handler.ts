import type { IncomingMessage, ServerResponse } from 'node:http';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { systemClock } from '../../core/clock.js';
import { type Clock, type Log, silentLog } from '../../core/environment.js';
import { misuse } from '../../core/errors.js';
import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import { packageVersion } from '../../core/package-version.js';
import type { RunLimitsInput } from '../runs/run-limits.js';
import { createMcpServerFactory } from '../server.js';
import { createServerParts } from '../server-parts.js';
import { authenticateBearer, authenticateNobody, type VerifyToken, verifySecret } from './authenticate.js';
import { Border, LOOPBACK_NAMES } from './border.js';
import type { Authenticate } from './caller.js';
import { Desk } from './desk.js';
import { createEndpoint, type WatchedResources } from './endpoint.js';
import type { IncomingCall } from './incoming-call.js';
import { type HttpLimitsInput, parseLimits } from './limits.js';
import { answerOverNode } from './node-face.js';
import { Quota } from './quota.js';
import { readStream } from './read-body.js';

/**
 * Who may call. `{ token }`: whoever sends this secret of at least 32 characters. `{ verify }`: whom your function
 * names. `'none'`: everybody, which is right only behind an application that has asked already.
 */
export type McpAuth =
  | 'none'
  | { readonly token: string }
  | { readonly verify: VerifyToken; readonly resourceMetadataUrl?: string };

/** Options of {@link createMcpHttpHandler}. */
export interface McpHttpOptions {
  readonly auth: McpAuth;
  /** Names that `Host` may say, without a port. Default: those of this machine, such as `localhost`. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may call, such as `https://app.example.com`. Default: pages of this machine. */
  readonly allowedOrigins?: readonly string[];
  readonly limits?: HttpLimitsInput;
  /** Limits of runs: how long a call waits, how many are under way and kept. The others have their default. */
  readonly runLimits?: RunLimitsInput;
  /** Default: silent. */
  readonly log?: Log;
  /** Version that clients are told. Default: that of this package. */
  readonly version?: string;
  /** Default: the real one. */
  readonly clock?: Clock;
}

/** An MCP endpoint to mount in an HTTP application, at whatever path. Both faces never reject. */
export interface McpHttpHandler {
  /** For frameworks that speak web standards. A bound function: it may be handed on alone. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * For `node:http`, Express and the like. A bound function.
   *
   * @param parsedBody - The body, when a parser in front has read it already.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, parsedBody?: unknown) => Promise<void>;
  /** From here on answers 503 to all but questions about runs and their cancel; what is under way goes on. */
  drain(): void;
  /** Resolves once no request is under way; listening streams do not count. */
  answered(): Promise<void>;
  /** Ends sessions and subscriptions, and cancels the runs that are still under way. */
  close(): Promise<void>;
}

const LEAST_TOKEN_CHARS = 32;

/**
 * Serves MCP over Streamable HTTP inside an existing application: both protocol eras, host and origin checks, bearer
 * tokens with scopes, limits, and JSON for every refusal.
 *
 * @example
 * const mcp = createMcpHttpHandler(orchestrator, { auth: { token: process.env.MCP_TOKEN } });
 * app.all('/mcp', (request, response) => mcp.node(request, response, request.body));
 *
 * @throws TypeError for a token that is too short, and for a limit that is none.
 */
export function createMcpHttpHandler(
  orchestrator: OrchestratorPort,
  options: McpHttpOptions,
): McpHttpHandler {
  const { log = silentLog, clock = systemClock, version = packageVersion } = options;
  const parts = createServerParts(orchestrator, { log, version, clock, runLimits: options.runLimits });
  const handler = createHandlerFor(createMcpServerFactory(orchestrator, parts), options, parts);
  return {
    ...handler,
    async close() {
      await handler.close();
      parts.runs.close();
    },
  };
}

/** The same composition in front of any MCP server: who may call, how much and how is settled before a server is made. */
export function createHandlerFor(
  factory: McpServerFactory,
  options: McpHttpOptions,
  resources?: WatchedResources,
): McpHttpHandler {
  const { log = silentLog, clock = systemClock } = options;
  const limits = parseLimits(options.limits);
  const desk = new Desk({
    border: new Border({
      hosts: options.allowedHosts ?? LOOPBACK_NAMES,
      origins: options.allowedOrigins ?? LOOPBACK_NAMES,
    }),
    ...authenticationOf(options.auth, log),
    endpoint: createEndpoint({ factory, resources, limits, clock, log }),
    quota: new Quota(limits, clock),
    limits,
    log,
  });
  return {
    fetch: (request) => desk.answer(fromRequest(request)),
    node: (request, response, parsedBody) =>
      answerOverNode(request, response, parsedBody, {
        answer: (call) => desk.answer(call),
        limits,
        isDraining: () => desk.isDraining,
      }),
    drain: () => desk.drain(),
    answered: () => desk.answered(),
    close: () => desk.close(),
  };
}

/** Who says who calls. @throws TypeError for a token that is too short. */
export function authenticationOf(
  auth: McpAuth,
  log: Log,
): { authenticate: Authenticate; resourceMetadataUrl?: string } {
  if (auth === 'none') return { authenticate: authenticateNobody };
  if ('token' in auth) {
    if (typeof auth.token !== 'string' || auth.token.length < LEAST_TOKEN_CHARS) {
      throw misuse(
        `auth.token must have at least ${LEAST_TOKEN_CHARS} characters; make one with randomBytes(32).`,
      );
    }
    return { authenticate: authenticateBearer(verifySecret(auth.token), log) };
  }
  const { verify, resourceMetadataUrl } = auth;
  const authenticate = authenticateBearer(verify, log, resourceMetadataUrl);
  return resourceMetadataUrl === undefined ? { authenticate } : { authenticate, resourceMetadataUrl };
}

function fromRequest(request: Request): IncomingCall {
  return {
    method: request.method,
    signal: request.signal,
    header: (name) => request.headers.get(name),
    headers: () => new Headers(request.headers),
    body: () => ({
      read: (limitBytes) => readStream(request.body, limitBytes),
      declaredBytes: Number(request.headers.get('content-length') ?? 0),
    }),
  };
}
