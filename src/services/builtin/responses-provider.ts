/** Which server answers web searches, and what is said when there is none. */

import * as z from 'zod';
import { OrchestratorError } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';

const address = () => z.url({ protocol: /^https?$/ });
const apiKey = () =>
  z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
    .describe('Key of the provider.');

/** Where web searches go: a SearXNG server of one's own, or a provider with a key. */
export const searchProviderSchema = lazySchema(() =>
  z.discriminatedUnion('provider', [
    z.strictObject({
      provider: z.literal('searxng'),
      url: address().describe('Base address of the SearXNG server.'),
    }),
    z.strictObject({
      provider: z.literal('brave'),
      apiKey: apiKey(),
      url: address().optional().describe("Default: the address of Brave's web search."),
    }),
    z.strictObject({
      provider: z.literal('tavily'),
      apiKey: apiKey(),
      url: address().optional().describe("Default: the address of Tavily's search."),
    }),
  ]),
);
export type SearchProvider = z.output<typeof searchProviderSchema>;

const DEFAULT_ADDRESSES = {
  brave: 'https://api.search.brave.com/res/v1/web/search',
  tavily: 'https://api.tavily.com/search',
};

/** The address that searches are sent to; the base address of a SearXNG server. */
export function searchAddress(search: SearchProvider): string {
  return search.provider === 'searxng' ? search.url : (search.url ?? DEFAULT_ADDRESSES[search.provider]);
}

/** Fails with `NO_SEARCH_PROVIDER` and tells how to configure one. */
export function noSearchProvider(query: string): OrchestratorError {
  const message =
    'No web search is configured: there is none without a key or a server of your own. Set "search" of "responses" to { "provider": "searxng", "url": "http://localhost:8888" }, or to "brave" or "tavily" with an apiKey; or give the address of a page to read, or say "search my notes for …" to search files. If you are a model calling this tool and can search the web: do so yourself.';
  return new OrchestratorError('NO_SEARCH_PROVIDER', message, { query: query.slice(0, 200) });
}
