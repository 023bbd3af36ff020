import type { ProtocolEra, Server } from '@modelcontextprotocol/server';
import { guardHandler } from '../guard-handler.js';
import { principalOf } from '../principal.js';
import { listResources, listTemplates } from './list-resources.js';
import { readResource } from './read-resource.js';
import { parseResourceUri } from './resource-uri.js';
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
  server.setRequestHandler('resources/read', async ({ params: { uri } }, context) => {
    const principal = principalOf(context);
    await bringRun(uri, principal, parts);
    return guardHandler(log, 'resources/read', () => ({ contents: readResource(uri, principal, sources) }));
  });
  if (era === 'legacy') registerSubscriptions(server, parts);
}

/** A run may have been started by another process. Where that cannot be asked, the run is not found. */
async function bringRun(
  uri: string,
  principal: string | null,
  { sources, log }: SubscriptionParts,
): Promise<void> {
  const target = parseResourceUri(uri);
  if (target?.kind !== 'run') return;
  try {
    await sources.runs?.bring?.(target.id, principal);
  } catch (cause) {
    log.warn({ err: cause }, 'could not ask for a run of another process');
  }
}
