import type { Log } from '../../core/environment.js';
import { challengeScope } from './authenticate.js';
import type { Authenticate } from './caller.js';
import { refuse } from './refusal.js';

/** Where the figures are. */
export const METRICS_PATH = '/metrics';

/** The figures of a server as it shows them. */
export interface MetricsSource {
  /** All figures, in the text format of Prometheus. */
  text(): string;
  readonly contentType: string;
}

/** Answers whoever may read: the figures tell which services there are and how they fare. Never rejects. */
export function createMetricsPage(
  source: MetricsSource,
  {
    authenticate,
    resourceMetadataUrl,
    log,
  }: { readonly authenticate: Authenticate; readonly resourceMetadataUrl?: string; readonly log: Log },
): (method: string, authorization: string | null) => Promise<Response> {
  return async (method, authorization) => {
    if (method !== 'GET' && method !== 'HEAD') {
      return refuse({ status: 405, message: `There is no ${method} here.`, headers: { allow: 'GET, HEAD' } });
    }
    const caller = await authenticate(authorization);
    if (caller instanceof Response) return caller;
    if (!caller.scopes.includes('read')) return challengeScope('read', resourceMetadataUrl);
    try {
      const headers = { 'content-type': source.contentType };
      return new Response(method === 'HEAD' ? null : source.text(), { headers });
    } catch (cause) {
      log.error({ err: cause }, 'the figures cannot be shown');
      return refuse({ status: 500, message: 'The figures cannot be shown; the log says why.' });
    }
  };
}
