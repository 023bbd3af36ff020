import {
  buildOAuthProtectedResourceMetadata,
  getOAuthProtectedResourceMetadataUrl,
} from '@modelcontextprotocol/server';
import type { errors, JWTPayload } from 'jose';
import { messageOf, misuse } from '../../core/errors.js';
import type { VerifiedToken, VerifyToken } from './authenticate.js';
import { parseScopes, SCOPES, scopeName } from './scopes.js';

/** An authorization server whose tokens are accepted. */
export interface OAuthOptions {
  /** Address of the authorization server, as tokens name it in `iss`. https, or http on this machine. */
  readonly issuer: string;
  /** What tokens must name in `aud`. Default: `resource`. */
  readonly audience?: string;
  /** Public address of this server's MCP endpoint, as clients see it. */
  readonly resource: string;
  /** Where the issuer's keys are. Default: what its metadata says. */
  readonly jwksUrl?: string;
  /** Signature algorithms that are accepted; asymmetric ones only. Default: RS256, PS256, ES256, ES384, EdDSA, Ed25519. */
  readonly algorithms?: readonly string[];
}

const DEFAULT_ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];

/** How far the clocks of issuer and server may differ, in seconds. */
const SKEW_SECONDS = 30;
/** How long the issuer may take to answer, in milliseconds. */
const ISSUER_MS = 5000;
const SYMMETRIC = /^(none|HS\d+)$/i;

/** The server as an OAuth resource server. */
export interface ResourceServer {
  readonly verify: VerifyToken;
  /** The document of RFC 9728, which tells clients where to get a token. */
  readonly metadata: object;
  readonly metadataUrl: string;
}

/**
 * Accepts JWTs of one issuer: signature by its published keys, algorithm, issuer, audience and time are checked.
 *
 * @throws TypeError for an address that is none, that is not https, or for a symmetric algorithm.
 * @throws Error when the issuer's metadata has to be read and cannot be.
 */
export async function createResourceServer(options: OAuthOptions): Promise<ResourceServer> {
  const { issuer, audience = options.resource, algorithms = DEFAULT_ALGORITHMS } = options;
  const resource = parseUrl(options.resource, 'resource');
  const metadata = metadataOf(issuer, resource);
  const symmetric = algorithms.find((algorithm) => SYMMETRIC.test(algorithm));
  if (symmetric !== undefined || algorithms.length === 0) {
    throw misuse(`algorithms must name asymmetric signatures such as RS256, not "${symmetric ?? ''}".`);
  }
  const jwksUrl = parseSafeUrl(options.jwksUrl ?? (await discoverJwksUrl(issuer)), 'jwksUrl');
  const { createRemoteJWKSet, errors, jwtVerify } = await import('jose');
  const keys = createRemoteJWKSet(jwksUrl, { timeoutDuration: ISSUER_MS });
  const checks = {
    issuer,
    audience,
    algorithms: [...algorithms],
    clockTolerance: SKEW_SECONDS,
    requiredClaims: ['exp'],
  };
  return {
    metadata,
    metadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, keys, checks);
        return callerOf(payload, issuer);
      } catch (cause) {
        if (isFaultOfToken(cause, errors)) return null;
        throw cause;
      }
    },
  };
}

/** What tokens say about their bearer; one that names nobody is not good. */
function callerOf(payload: JWTPayload, issuer: string): VerifiedToken | null {
  const { sub, client_id: clientId, scope, scp } = payload;
  const bearer = sub ?? clientId;
  if (typeof bearer !== 'string' || bearer === '') return null;
  const names = [scope, scp].flat().flatMap((each) => (typeof each === 'string' ? each.split(' ') : []));
  return { principal: `${issuer} ${bearer}`, scopes: parseScopes(names) };
}

/** A token may be bad in many ways; when the keys cannot be had it is not the token's fault. */
function isFaultOfToken(cause: unknown, { JOSEError, JWKSTimeout, JWKSInvalid }: typeof errors): boolean {
  if (!(cause instanceof JOSEError)) return false;
  return !(cause instanceof JWKSTimeout || cause instanceof JWKSInvalid || cause.code === 'ERR_JOSE_GENERIC');
}

function metadataOf(issuer: string, resource: URL): object {
  parseSafeUrl(issuer, 'issuer');
  return {
    ...buildOAuthProtectedResourceMetadata({
      // Only the issuer is read; the rest is what the type asks for.
      oauthMetadata: { issuer, authorization_endpoint: '', token_endpoint: '', response_types_supported: [] },
      resourceServerUrl: resource,
      scopesSupported: SCOPES.map(scopeName),
      resourceName: 'gaffr',
    }),
    bearer_methods_supported: ['header'],
  };
}

/** Asks the issuer for its metadata: RFC 8414 first, then OpenID Connect, whose path comes last. */
async function discoverJwksUrl(issuer: string): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  const faults: string[] = [];
  for (const place of places) {
    try {
      const response = await fetch(place, { redirect: 'error', signal: AbortSignal.timeout(ISSUER_MS) });
      const found = (await response.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
      if (found.issuer === issuer && typeof found.jwks_uri === 'string') return found.jwks_uri;
      faults.push(`${place} names another issuer or no jwks_uri`);
    } catch (cause) {
      faults.push(`${place}: ${messageOf(cause)}`);
    }
  }
  throw new Error(`The keys of the issuer ${issuer} were not found (${faults.join('; ')}); give jwksUrl.`);
}

function parseSafeUrl(text: string, name: string): URL {
  const url = parseUrl(text, name);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)) return url;
  throw misuse(`${name} must be https, not "${text}".`);
}

function parseUrl(text: string, name: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw misuse(`${name} must be a whole address such as https://example.com/mcp, not "${text}".`);
}
