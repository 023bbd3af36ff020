import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createResourceServer } from '../../src/mcp/http/oauth.js';
import type { HttpServerOptions } from '../../src/mcp/http/serve-http.js';
import {
  GOOD_HEADERS,
  INITIALIZE,
  modernCall,
  startServer,
  type TestServer,
} from '../support/http-server.js';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

const AUDIENCE = 'https://gaffr.example.com/mcp';
let key: KeyPair;
let foreignKey: KeyPair;
let issuerServer: Server;
let issuer: string;
let isDown = false;

beforeAll(async () => {
  key = await generateKeyPair('ES256');
  foreignKey = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'ES256' };
  issuerServer = createServer((request, response) => {
    const documents: Record<string, unknown> = {
      '/.well-known/oauth-authorization-server/tenant': { issuer, jwks_uri: `${issuer}/keys` },
      '/tenant/keys': { keys: [jwk] },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(isDown ? 500 : document === undefined ? 404 : 200, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(document ?? {}));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => issuerServer.once('listening', resolve));
  issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}/tenant`;
});
afterAll(() => void issuerServer.close());

const servers: TestServer[] = [];
afterEach(async () => {
  isDown = false;
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(oauth: object = {}, options: Partial<HttpServerOptions> = {}): Promise<TestServer> {
  const server = await startServer({
    auth: { oauth: { issuer, ...oauth } },
    publicUrl: AUDIENCE,
    ...options,
  });
  servers.push(server);
  return server;
}

interface TokenParts {
  readonly claims?: JWTPayload;
  readonly audience?: string | string[];
  readonly from?: string;
  readonly expiresInSeconds?: number | null;
  readonly signWith?: KeyPair;
  readonly kid?: string;
}

function token({
  claims = { scope: 'gaffr:execute gaffr:read gaffr:cancel' },
  audience = AUDIENCE,
  from = issuer,
  expiresInSeconds = 60,
  signWith = key,
  kid = 'one',
}: TokenParts = {}): Promise<string> {
  const jwt = new SignJWT({ sub: 'alice', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuedAt();
  jwt.setIssuer(from).setAudience(audience);
  if (expiresInSeconds !== null) jwt.setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds);
  return jwt.sign(signWith.privateKey);
}

function call(server: TestServer, bearer: string, request = modernCall({ task: 'a', service: 'echo' })) {
  return server.send({ ...request, headers: { ...request.headers, authorization: `Bearer ${bearer}` } });
}

describe('an OAuth resource server', () => {
  it('accepts a token of its issuer, with the keys that the metadata names', async () => {
    const server = await start();
    const answer = await call(server, await token());
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('echo a');
    expect((await call(server, await token(), INITIALIZE)).status).toBe(200);
    expect((await call(server, await token({ audience: ['other', AUDIENCE] }))).status).toBe(200);
  });

  it('tells clients where to get a token', async () => {
    const server = await start();
    const { authorization: _, ...headers } = GOOD_HEADERS;
    const refused = await server.send({ ...INITIALIZE, headers });
    expect(refused.status).toBe(401);
    const metadataUrl = 'https://gaffr.example.com/.well-known/oauth-protected-resource/mcp';
    expect(refused.headers['www-authenticate']).toContain(`resource_metadata="${metadataUrl}"`);
    for (const path of [
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-protected-resource',
    ]) {
      const answer = await server.send({ path });
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toMatchObject({
        resource: AUDIENCE,
        authorization_servers: [issuer],
        scopes_supported: ['gaffr:execute', 'gaffr:read', 'gaffr:cancel'],
        bearer_methods_supported: ['header'],
      });
    }
  });

  it.each<[string, () => Promise<string>]>([
    ['for another audience', () => token({ audience: 'https://other.example.com/mcp' })],
    ['whose audience only begins well', () => token({ audience: `${AUDIENCE}/more` })],
    ['of another issuer', () => token({ from: 'https://evil.example' })],
    ['signed by another key', () => token({ signWith: foreignKey })],
    ['with an unknown key id', () => token({ kid: 'two' })],
    ['that has expired', () => token({ expiresInSeconds: -40 })],
    ['without an expiry', () => token({ expiresInSeconds: null })],
    [
      'that is not valid yet',
      () => token({ claims: { nbf: Math.floor(Date.now() / 1000) + 100, scope: 'execute' } }),
    ],
    ['that names nobody', () => token({ claims: { sub: '' } })],
    [
      'without a signature',
      async () =>
        new UnsecuredJWT({ sub: 'alice' })
          .setIssuer(issuer)
          .setAudience(AUDIENCE)
          .setExpirationTime('1h')
          .encode(),
    ],
    [
      'signed with the public key as a secret',
      async () => {
        const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(key.publicKey)));
        const jwt = new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256', kid: 'one' });
        return jwt.setIssuer(issuer).setAudience(AUDIENCE).setExpirationTime('1h').sign(secret);
      },
    ],
    ['that is none', async () => 'nonsense'],
    [
      'with a changed payload',
      async () => (await token()).replace(/\.[^.]+\./, `.${btoa('{"sub":"root"}').replace(/=/g, '')}.`),
    ],
  ])('refuses a token %s with 401', async (_what, make) => {
    const server = await start();
    const bearer = await make();
    const answer = await call(server, bearer);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(answer.text).not.toContain(bearer);
  });

  it('allows for clocks that differ by less than 30 s', async () => {
    const server = await start();
    expect((await call(server, await token({ expiresInSeconds: -10 }))).status).toBe(200);
  });

  it('refuses an algorithm that is not on the list', async () => {
    const server = await start({ algorithms: ['RS256'] });
    expect((await call(server, await token())).status).toBe(401);
  });

  it('takes an audience that is no address', async () => {
    const server = await start({ audience: 'gaffr' });
    expect((await call(server, await token({ audience: 'gaffr' }))).status).toBe(200);
    expect((await call(server, await token())).status).toBe(401);
  });

  it.each([
    [{ scope: 'gaffr:read' }, 403],
    [{ scope: '' }, 403],
    [{}, 403],
    [{ scope: 'gaffr:executeParallel' }, 403],
    [{ scope: 'openid execute' }, 200],
    [{ scp: ['gaffr:execute'] }, 200],
  ])('for claims %o answers execute with %i', async (claims, status) => {
    const server = await start();
    const answer = await call(server, await token({ claims }));
    expect(answer.status).toBe(status);
    if (status === 403) {
      expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
      expect(answer.headers['www-authenticate']).toContain('scope="gaffr:execute"');
    }
  });

  it('answers 503 while the keys cannot be had', async () => {
    const server = await start();
    isDown = true;
    const answer = await call(server, await token());
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
    isDown = false;
    expect((await call(server, await token())).status).toBe(200);
  });

  it.each([
    [{ issuer: 'http://issuer.example.com' }, /https/],
    [{ issuer: 'nonsense' }, /whole address/],
    [{ jwksUrl: 'http://keys.example.com' }, /https/],
    [{ algorithms: ['HS256'] }, /asymmetric/],
    [{ algorithms: ['none'] }, /asymmetric/],
    [{ algorithms: [] }, /asymmetric/],
  ])('refuses the setting %o', async (over, message) => {
    const options = {
      issuer: 'https://issuer.example.com',
      resource: AUDIENCE,
      jwksUrl: 'https://issuer.example.com/keys',
    };
    await expect(createResourceServer({ ...options, ...over })).rejects.toThrow(message);
  });

  it('does not start when the issuer names another issuer', async () => {
    const { origin } = new URL(issuer);
    await expect(createResourceServer({ issuer: origin, resource: AUDIENCE })).rejects.toThrow(/jwksUrl/);
  });
});
