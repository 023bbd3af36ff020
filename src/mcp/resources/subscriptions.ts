import { ProtocolError, ProtocolErrorCode, type Server } from '@modelcontextprotocol/server';
import type { Log } from '../../core/environment.js';
import { guardHandler } from '../guard-handler.js';
import { principalOf } from '../principal.js';
import { requireResource } from './read-resource.js';
import type { ResourceSources } from './resource-sources.js';
import type { Updates } from './updates.js';

/** Most resources that one connection, or one listening stream, subscribes to. */
export const MAX_SUBSCRIBED = 64;

/** What subscriptions need. */
export interface SubscriptionParts {
  readonly sources: ResourceSources;
  readonly updates: Updates;
  readonly log: Log;
}

/**
 * Answers `resources/subscribe` and `resources/unsubscribe` of the 2025 protocol, which the SDK leaves to the server. The
 * subscriptions belong to the connection and end with it.
 */
export function registerSubscriptions(server: Server, { sources, updates, log }: SubscriptionParts): void {
  const subscribed = new Map<string, () => void>();
  const endAll = (): void => {
    for (const end of subscribed.values()) end();
    subscribed.clear();
  };
  const tell = (uri: string): void => {
    server.sendResourceUpdated({ uri }).catch((cause: unknown) => {
      log.debug({ uri, err: cause }, 'a resource update was not sent');
      if (server.transport === undefined) endAll();
    });
  };
  const onClose = server.onclose;
  server.onclose = () => {
    endAll();
    onClose?.();
  };
  server.setRequestHandler('resources/subscribe', ({ params: { uri } }, context) =>
    guardHandler(log, 'resources/subscribe', () => {
      requireResource(uri, principalOf(context), sources);
      if (subscribed.has(uri)) return {};
      if (subscribed.size >= MAX_SUBSCRIBED) throw tooMany();
      subscribed.set(uri, updates.subscribe(uri, tell));
      return {};
    }),
  );
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    subscribed.get(uri)?.();
    subscribed.delete(uri);
    return {};
  });
}

function tooMany(): ProtocolError {
  const message = `This connection subscribes to ${MAX_SUBSCRIBED} resources and no more are allowed; unsubscribe from one, or subscribe to gaffr://services instead of single services.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
