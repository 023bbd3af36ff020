/** Web search through a SearXNG server of the operator; there is no such search without a key or a server of one's own. */

import * as z from 'zod';
import { OrchestratorError } from '../../core/errors.js';
import { GuardedFetch } from '../guarded-fetch.js';
import type { SearchProvider } from './responses-provider.js';

/** One hit. */
export interface WebHit {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
}

const answerSchema = z.object({
  results: z.array(
    z.object({ url: z.string(), title: z.string().default(''), content: z.string().nullish() }),
  ),
});

export class SearxngSearch {
  readonly #base: URL;
  readonly #fetch: GuardedFetch;

  constructor({ url }: SearchProvider) {
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    // The operator names this server, so it may be a private one; it is the only address this instance reaches.
    this.#fetch = new GuardedFetch({ allowPrivateHosts: [this.#base.hostname], maxRedirects: 0 });
  }

  /**
   * @throws OrchestratorError `NO_SEARCH_PROVIDER` when the server refuses JSON, `SERVICE_FAILED` when it fails
   */
  async search(query: string, limit: number, signal: AbortSignal): Promise<WebHit[]> {
    const address = new URL('search', this.#base);
    address.search = new URLSearchParams({ q: query, format: 'json' }).toString();
    const { results } = parseAnswer(await this.#answer(address, signal), this.#base.origin);
    return results.slice(0, limit).map(({ url, title, content }) => ({ title, url, snippet: content ?? '' }));
  }

  close(): Promise<void> {
    return this.#fetch.close();
  }

  async #answer(address: URL, signal: AbortSignal): Promise<Uint8Array> {
    try {
      return (await this.#fetch.get(address.href, signal)).body;
    } catch (error) {
      const refusesJson = error instanceof OrchestratorError && error.facts.status === 403;
      if (!refusesJson) throw error;
      const message = `The search server ${this.#base.origin} answers 403: JSON is off there by default; enable json under search.formats in its settings.yml.`;
      throw new OrchestratorError('NO_SEARCH_PROVIDER', message, { status: 403 }, { cause: error });
    }
  }
}

function parseAnswer(body: Uint8Array, origin: string) {
  try {
    return answerSchema.parse(JSON.parse(new TextDecoder().decode(body)));
  } catch (cause) {
    const message = `The search server ${origin} answers something else than SearXNG's JSON; check options.search.url.`;
    throw new OrchestratorError('SERVICE_FAILED', message, { origin }, { cause, retryable: false });
  }
}
