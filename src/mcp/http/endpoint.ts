import {
  type AuthInfo,
  createMcpHandler,
  isLegacyRequest,
  type McpServerFactory,
} from '@modelcontextprotocol/server';
import type { Clock, Log } from '../../core/environment.js';
import { isListenRequest } from '../messages.js';
import { listenedUris, whyNotListen } from '../resources/listen-request.js';
import type { ResourceSources } from '../resources/resource-sources.js';
import type { Updates } from '../resources/updates.js';
import type { HttpLimits } from './limits.js';
import { INVALID_PARAMS, idOf, refuse } from './refusal.js';
import { Sessions } from './sessions.js';
import { isEventStream, whenBodyEnds } from './when-body-ends.js';

/** Resources, and what tells of their changes. */
export interface WatchedResources {
  readonly sources: ResourceSources;
  readonly updates: Updates;
}

/** What an endpoint is made of. */
export interface EndpointOptions {
  readonly factory: McpServerFactory;
  /** What streams may listen to. Default: what the servers themselves tell. */
  readonly resources: WatchedResources | undefined;
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
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { factory, resources, limits, clock, log } = options;
  const onFault = (error: Error) => log.debug({ reason: error.message }, 'fault on an MCP request');
  const modern = createMcpHandler(factory, {
    legacy: 'reject',
    maxRequestBodySize: limits.bodyBytes,
    maxSubscriptions: limits.subscriptions,
    onerror: onFault,
  });
  const sessions = new Sessions({ factory, limits, clock, onFault });
  // One function for all streams: the SDK hands what it is told to each stream that named the address.
  const publish = (uri: string): void => modern.notify.resourceUpdated(uri);

  async function listen(
    request: Request,
    body: unknown,
    authInfo: AuthInfo,
    { sources, updates }: WatchedResources,
  ): Promise<Response> {
    const uris = listenedUris(body);
    const why = whyNotListen(uris, authInfo.clientId, sources);
    if (why !== undefined) {
      return refuse({ status: 400, code: INVALID_PARAMS, message: why, id: idOf(body) });
    }
    const response = await modern.fetch(request, { authInfo, parsedBody: body });
    if (!isEventStream(response)) return response;
    const ends = uris.map((uri) => updates.subscribe(uri, publish));
    return whenBodyEnds(response, () => {
      for (const end of ends) end();
    });
  }

  return {
    async answer(request, body, authInfo) {
      if (await isLegacyRequest(request, body)) return sessions.answer(request, body, authInfo);
      if (resources && isListenRequest(body)) return listen(request, body, authInfo, resources);
      return modern.fetch(request, { authInfo, ...(body !== undefined && { parsedBody: body }) });
    },
    async close() {
      await Promise.all([modern.close(), sessions.close()]);
    },
  };
}
