import { createHash, timingSafeEqual } from 'node:crypto';
import {
  bearerAuthChallengeResponse,
  OAuthError,
  OAuthErrorCode,
  verifyBearerToken,
} from '@modelcontextprotocol/server';
import type { Log } from '../../core/environment.js';
import { ANYONE, type Authenticate, type Caller } from './caller.js';
import { refuse } from './refusal.js';
import { SCOPES, type Scope, scopeName } from './scopes.js';

/** What a verifier says of a token that is good. */
export interface VerifiedToken {
  /** Stable name of the caller; limits and sessions hold per principal. */
  readonly principal: string;
  /** What the caller may do. Default: everything. */
  readonly scopes?: readonly Scope[];
}

/**
 * Checks a bearer token; null means that it is not good. A rejection means that it could not be checked at all, which
 * the caller is told as 503.
 */
export type VerifyToken = (token: string) => Promise<VerifiedToken | null>;

/** A verifier for one secret: it compares in constant time, and whoever knows the secret may do everything. */
export function verifySecret(secret: string): VerifyToken {
  const expected = digest(secret);
  return async (token) => (timingSafeEqual(digest(token), expected) ? { principal: 'token' } : null);
}

/** Asks for nothing. */
export const authenticateNobody: Authenticate = async () => ANYONE;

/** Asks for a bearer token. @param resourceMetadataUrl - Told in `WWW-Authenticate`, so that clients find the issuer. */
export function authenticateBearer(
  verify: VerifyToken,
  log: Log,
  resourceMetadataUrl?: string,
): Authenticate {
  const options = resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl };
  return async (authorization) => {
    let caller: Caller | undefined;
    const verifier = {
      async verifyAccessToken(token: string) {
        const verified = await verify(token);
        if (verified === null)
          throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid here');
        caller = { principal: verified.principal, scopes: verified.scopes ?? SCOPES };
        // The verifier has checked the time of expiry; the SDK wants to see one.
        return { token: '', clientId: verified.principal, scopes: [], expiresAt: Number.POSITIVE_INFINITY };
      },
    };
    try {
      await verifyBearerToken(authorization ?? undefined, { verifier, ...options });
      return caller as Caller;
    } catch (cause) {
      if (cause instanceof OAuthError) return bearerAuthChallengeResponse(cause, options);
      log.warn({ err: cause }, 'tokens cannot be checked');
      const message = 'Tokens cannot be checked at the moment; try again later.';
      return refuse({ status: 503, message, headers: { 'retry-after': '5' } });
    }
  };
}

/** The answer to a caller whose token lacks a scope. */
export function challengeScope(scope: Scope, resourceMetadataUrl?: string): Response {
  const name = scopeName(scope);
  const error = new OAuthError(OAuthErrorCode.InsufficientScope, `This needs the scope ${name}`);
  return bearerAuthChallengeResponse(error, {
    requiredScopes: [name],
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
  });
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
