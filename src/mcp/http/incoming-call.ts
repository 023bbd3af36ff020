import type { RequestHead } from './border.js';
import type { BodySource } from './read-body.js';

/** A request as both faces hand it over. */
export interface IncomingCall extends RequestHead {
  readonly signal: AbortSignal;
  headers(): Headers;
  /** Opens the body; called at most once, and only after the caller has been admitted. */
  body(): BodySource | { readonly parsed: unknown };
}
