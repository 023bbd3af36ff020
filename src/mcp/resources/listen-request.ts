import { requireResource } from './read-resource.js';
import type { ResourceSources } from './resource-sources.js';
import { MAX_URI_CHARS, parseResourceUri } from './resource-uri.js';
import { MAX_SUBSCRIBED } from './subscriptions.js';

/**
 * The resources that a listening stream is asked for, or that its acknowledgement promises; those that are no texts are
 * left to the SDK to refuse.
 */
export function listenedUris(message: unknown): string[] {
  const { params } = message as { readonly params?: { readonly notifications?: unknown } };
  const filter = params?.notifications as { readonly resourceSubscriptions?: unknown } | undefined;
  const uris = filter?.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}

/**
 * Why a listening stream is refused, or undefined when it is not. The SDK hands every update to whoever names its
 * address, so a run of somebody else has to be refused here; an unknown one gets the same words.
 */
export function whyNotListen(
  uris: readonly string[],
  principal: string | null,
  sources: ResourceSources,
): string | undefined {
  if (uris.length > MAX_SUBSCRIBED) {
    return `A stream may listen to ${MAX_SUBSCRIBED} resources and this one names ${uris.length}; name gaffr://services instead of single services.`;
  }
  for (const uri of uris) {
    if (uri.length > MAX_URI_CHARS) {
      return `An address has ${uri.length} characters and may have ${MAX_URI_CHARS}; name a resource of resources/list.`;
    }
    if (parseResourceUri(uri)?.kind !== 'run') continue;
    try {
      requireResource(uri, principal, sources);
    } catch {
      return `There is no run ${uri}; name one by the runId that was answered.`;
    }
  }
  return undefined;
}
