/** Which server answers web searches, and what is said when there is none. */

import * as z from 'zod';
import { OrchestratorError } from '../../core/errors.js';

/** Where web searches go. */
export const searchProviderSchema = z.strictObject({
  provider: z.literal('searxng'),
  url: z.url({ protocol: /^https?$/ }).describe('Base address of the SearXNG server.'),
});
export type SearchProvider = z.input<typeof searchProviderSchema>;

/** Fails with `NO_SEARCH_PROVIDER` and tells how to configure one. */
export function noSearchProvider(query: string): OrchestratorError {
  const message =
    'No web search is configured: there is none without a key or a server of your own. Set options.search of "responses" to { "provider": "searxng", "url": "http://localhost:8888" }, or give the address of a page to read, or say "search my notes for …" to search files. If you are a model calling this tool and can search the web: do so yourself.';
  return new OrchestratorError('NO_SEARCH_PROVIDER', message, { query: query.slice(0, 200) });
}
