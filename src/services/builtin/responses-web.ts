/** Web search through the provider that the operator configured; there is none without a key or a server of one's own. */

import * as z from 'zod';
import { OrchestratorError } from '../../core/errors.js';
import { GuardedFetch, type GuardedRequest } from '../guarded-fetch.js';
import { type SearchProvider, searchAddress } from './responses-provider.js';

/** One hit. */
export interface WebHit {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
}

/** Most hits that Brave and Tavily give for one search. */
const MOST_HITS = 20;

const text = z.string().nullish();
const found = z.array(z.object({ url: z.string(), title: text, content: text, description: text }));
/** SearXNG and Tavily answer `results`, Brave `web.results` (without `web` when it found nothing). */
const answerSchema = z.union([
  z.object({ results: found }),
  z.object({ web: z.object({ results: found }) }).transform(({ web }) => web),
  z.object({ type: z.literal('search') }).transform(() => ({ results: [] })),
]);

export class WebSearch {
  readonly #provider: SearchProvider;
  readonly #address: URL;
  readonly #fetch: GuardedFetch;

  constructor(provider: SearchProvider) {
    this.#provider = provider;
    this.#address = new URL(searchAddress(provider));
    // The operator names this server, so it may be a private one; it is the only address this instance reaches.
    this.#fetch = new GuardedFetch({ allowPrivateHosts: [this.#address.hostname], maxRedirects: 0 });
  }

  /**
   * @throws OrchestratorError `NO_SEARCH_PROVIDER` when a SearXNG server refuses JSON, `SERVICE_AUTH_REQUIRED` when a
   * provider refuses the key, `SERVICE_FAILED` when it fails
   */
  async search(query: string, limit: number, signal: AbortSignal): Promise<WebHit[]> {
    const { address, request } = this.#requestOf(query, Math.min(limit, MOST_HITS));
    const { results } = this.#parse(await this.#answer(address, request, signal));
    return results.slice(0, limit).map(({ url, title, content, description }) => {
      return { title: plain(title), url, snippet: plain(content ?? description) };
    });
  }

  close(): Promise<void> {
    return this.#fetch.close();
  }

  #requestOf(query: string, count: number): { readonly address: URL; readonly request: GuardedRequest } {
    const provider = this.#provider;
    const accept = { accept: 'application/json' };
    switch (provider.provider) {
      case 'searxng': {
        const base = this.#address.href.endsWith('/') ? this.#address : new URL(`${this.#address.href}/`);
        const address = new URL('search', base);
        address.search = new URLSearchParams({ q: query, format: 'json' }).toString();
        return { address, request: { headers: accept } };
      }
      case 'brave': {
        const address = new URL(this.#address);
        address.search = new URLSearchParams({ q: query.slice(0, 400), count: String(count) }).toString();
        return { address, request: { headers: { ...accept, 'x-subscription-token': provider.apiKey } } };
      }
      case 'tavily': {
        const headers = {
          ...accept,
          authorization: `Bearer ${provider.apiKey}`,
          'content-type': 'application/json',
        };
        const body = JSON.stringify({ query: query.slice(0, 400), max_results: count });
        return { address: this.#address, request: { headers, body } };
      }
    }
  }

  async #answer(address: URL, request: GuardedRequest, signal: AbortSignal): Promise<Uint8Array> {
    try {
      return (await this.#fetch.get(address.href, signal, request)).body;
    } catch (error) {
      const status = error instanceof OrchestratorError ? error.facts.status : undefined;
      const { provider } = this.#provider;
      if (provider === 'searxng' && status === 403) {
        const message = `The search server ${address.origin} answers 403: JSON is off there by default; enable json under search.formats in its settings.yml.`;
        throw new OrchestratorError('NO_SEARCH_PROVIDER', message, { status }, { cause: error });
      }
      // Brave tells an invalid key as 422.
      const isRefused = status === 401 || status === 403 || (provider === 'brave' && status === 422);
      if (provider === 'searxng' || !isRefused) throw error;
      const message = `The search provider ${provider} refuses the key (HTTP ${status}); set a valid search.apiKey of "responses".`;
      throw new OrchestratorError('SERVICE_AUTH_REQUIRED', message, { status }, { cause: error });
    }
  }

  #parse(body: Uint8Array): z.output<typeof answerSchema> {
    try {
      return answerSchema.parse(JSON.parse(new TextDecoder().decode(body)));
    } catch (cause) {
      const { origin } = this.#address;
      const message = `The search server ${origin} answers something else than the JSON of ${this.#provider.provider}; check search.url of "responses".`;
      throw new OrchestratorError('SERVICE_FAILED', message, { origin }, { cause, retryable: false });
    }
  }
}

/** Brave marks the words that were found with tags. */
function plain(text: string | null | undefined): string {
  return (text ?? '').replace(/<\/?(?:strong|b|em)>/gi, '');
}
