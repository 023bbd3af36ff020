import {
  type AuthInfo,
  createMcpHandler,
  isLegacyRequest,
  type McpServerFactory,
} from '@modelcontextprotocol/server';
import type { Clock, Log } from '../../core/environment.js';
import type { HttpLimits } from './limits.js';
import { Sessions } from './sessions.js';

/** What an endpoint is made of. */
export interface EndpointOptions {
  readonly factory: McpServerFactory;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Both protocol eras behind one address. It trusts its caller: who may call is settled in front of it. */
export interface Endpoint {
  /** @param body - The parsed body of a POST; the request's own is not read. */
  answer(request: Request, body: unknown, authInfo: AuthInfo): Promise<Response>;
  /** Ends sessions and subscriptions, and aborts what is under way. */
  close(): Promise<void>;
}

/** Makes the endpoint: requests of the 2026 protocol are served one by one, those of the 2025 protocol in sessions. */
export function createEndpoint({ factory, limits, clock, log }: EndpointOptions): Endpoint {
  const onFault = (error: Error) => log.debug({ reason: error.message }, 'fault on an MCP request');
  const modern = createMcpHandler(factory, {
    legacy: 'reject',
    maxRequestBodySize: limits.bodyBytes,
    maxSubscriptions: limits.subscriptions,
    onerror: onFault,
  });
  const sessions = new Sessions({ factory, limits, clock, onFault });
  return {
    async answer(request, body, authInfo) {
      return (await isLegacyRequest(request, body))
        ? sessions.answer(request, body, authInfo)
        : modern.fetch(request, { authInfo, ...(body !== undefined && { parsedBody: body }) });
    },
    async close() {
      await Promise.all([modern.close(), sessions.close()]);
    },
  };
}
