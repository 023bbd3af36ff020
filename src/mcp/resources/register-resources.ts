import type { ProtocolEra, Server } from '@modelcontextprotocol/server';
import { guardHandler } from '../guard-handler.js';
import { principalOf } from '../principal.js';
import { listResources, listTemplates } from './list-resources.js';
import { readResource } from './read-resource.js';
import { registerSubscriptions, type SubscriptionParts } from './subscriptions.js';

/** Puts the resources on a server. In the 2026 era whoever owns the wire serves the subscriptions. */
export function registerResources(server: Server, parts: SubscriptionParts, era: ProtocolEra): void {
  const { sources, log } = parts;
  server.setRequestHandler('resources/list', ({ params }) =>
    guardHandler(log, 'resources/list', () => ({ ...listResources(sources, params?.cursor) })),
  );
  server.setRequestHandler('resources/templates/list', () =>
    guardHandler(log, 'resources/templates/list', () => ({ resourceTemplates: listTemplates(sources) })),
  );
  server.setRequestHandler('resources/read', ({ params: { uri } }, context) =>
    guardHandler(log, 'resources/read', () => ({
      contents: readResource(uri, principalOf(context), sources),
    })),
  );
  if (era === 'legacy') registerSubscriptions(server, parts);
}
