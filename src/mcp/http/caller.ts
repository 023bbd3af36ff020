import type { AuthInfo } from '@modelcontextprotocol/server';
import { SCOPES, type Scope } from './scopes.js';

/** Who calls, as far as rights, limits and sessions go. It never holds the token, so that nothing can pass it on. */
export interface Caller {
  /** Stable name of the caller; two callers never share one. */
  readonly principal: string;
  readonly scopes: readonly Scope[];
}

/** The one caller of a server that asks for no token, or whose embedder has asked already. */
export const ANYONE: Caller = { principal: 'anyone', scopes: SCOPES };

/** Turns an `Authorization` header into the caller, or into the answer that refuses it. Never throws. */
export type Authenticate = (authorization: string | null) => Promise<Caller | Response>;

/** A caller as the SDK carries it to the tools: `clientId` is the principal. */
export function toAuthInfo({ principal, scopes }: Caller): AuthInfo {
  return { token: '', clientId: principal, scopes: [...scopes] };
}
