import type { HttpLimitsInput } from '../mcp/http/limits.js';
import type { HttpServerOptions } from '../mcp/http/serve-http.js';
import { UsageError } from './exit-code.js';
import type { Arguments, Flags } from './flags.js';
import { keepToken } from './token-file.js';

/** Where `gaffr serve --http` listens when it is not said. */
const DEFAULT_ADDRESS = '127.0.0.1:8642';

/** Flags that mean something only with `--http`. */
const ONLY_HTTP_FLAGS: Flags = {
  'token-file': {
    type: 'string',
    value: 'FILE',
    help: 'File with the bearer token; made when absent (default: gaffr/http-token in your state folder)',
  },
  'no-auth': {
    type: 'boolean',
    help: 'Ask for no token; only on an address that other machines cannot reach',
  },
  'oauth-issuer': { type: 'string', value: 'URL', help: 'Accept access tokens (JWT) of this issuer instead' },
  'oauth-audience': {
    type: 'string',
    value: 'TEXT',
    help: 'What tokens must name in aud (default: the public URL)',
  },
  'oauth-jwks-url': {
    type: 'string',
    value: 'URL',
    help: 'Keys of the issuer (default: what its metadata says)',
  },
  'oauth-algorithm': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'Signature that tokens may have; repeatable (default: RS256, PS256, ES256, ES384, EdDSA, Ed25519)',
  },
  'public-url': {
    type: 'string',
    value: 'URL',
    help: 'Address of the MCP endpoint as clients see it, for instance behind a proxy',
  },
  'allowed-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'Further host name under which clients may call; repeatable',
  },
  'allowed-origin': {
    type: 'string',
    multiple: true,
    value: 'ORIGIN',
    help: 'Further origin of web pages that may call, such as https://app.example.com; repeatable',
  },
  'http-limit': {
    type: 'string',
    multiple: true,
    value: 'NAME=NUMBER',
    help: 'Another value of a limit, for instance callsAtOnce=200; repeatable (docs/MCP-HTTP.md lists them)',
  },
};

/** Flags of the HTTP server. */
export const HTTP_FLAGS: Flags = {
  http: {
    type: 'string',
    value: '[HOST:PORT]',
    valueIfBare: DEFAULT_ADDRESS,
    help: `Serve MCP over Streamable HTTP instead (default address: ${DEFAULT_ADDRESS})`,
  },
  ...ONLY_HTTP_FLAGS,
};

/** What the flags say of the HTTP server, and where its token is kept, if there is one. */
export interface HttpSettings {
  readonly options: Omit<HttpServerOptions, 'log' | 'version'>;
  readonly tokenFile: string | undefined;
}

/**
 * Reads the flags of the HTTP server; undefined without `--http`.
 *
 * @throws UsageError for flags that do not fit each other, ConfigurationError for a token file that cannot be used.
 */
export async function httpSettingsOf(args: Arguments): Promise<HttpSettings | undefined> {
  const address = args.text('http');
  if (address === undefined) return refuseWithoutHttp(args);
  const { auth, tokenFile } = await authOf(args);
  const publicUrl = urlOf(args, 'public-url');
  const options = {
    ...parseAddress(address),
    auth,
    allowedHosts: args.texts('allowed-host'),
    allowedOrigins: args.texts('allowed-origin').map(checkOrigin),
    limits: Object.fromEntries(args.texts('http-limit').map(parseLimit)) as HttpLimitsInput,
    ...(publicUrl !== undefined && { publicUrl }),
  };
  return { options, tokenFile };
}

function refuseWithoutHttp(args: Arguments): undefined {
  const stray = Object.keys(ONLY_HTTP_FLAGS).find((flag) => args.isSet(flag) || args.texts(flag).length > 0);
  if (stray !== undefined) throw new UsageError(`--${stray} means something only with --http.`);
}

async function authOf(
  args: Arguments,
): Promise<{ auth: HttpServerOptions['auth']; tokenFile: string | undefined }> {
  const issuer = urlOf(args, 'oauth-issuer');
  const file = args.text('token-file');
  const ways = [
    ...(args.isSet('no-auth') ? ['--no-auth'] : []),
    ...(issuer === undefined ? [] : ['--oauth-issuer']),
    ...(file === undefined ? [] : ['--token-file']),
  ];
  if (ways.length > 1) throw new UsageError(`${ways.join(' and ')} exclude each other; give one.`);
  if (issuer === undefined) refuseWithoutIssuer(args);
  else return { auth: { oauth: oauthOf(args, issuer) }, tokenFile: undefined };
  if (args.isSet('no-auth')) return { auth: 'none', tokenFile: undefined };
  const { token, path } = await keepToken(file);
  return { auth: { token }, tokenFile: path };
}

function oauthOf(args: Arguments, issuer: string) {
  const audience = args.text('oauth-audience');
  const jwksUrl = urlOf(args, 'oauth-jwks-url');
  const algorithms = args.texts('oauth-algorithm');
  return {
    issuer,
    ...(audience !== undefined && { audience }),
    ...(jwksUrl !== undefined && { jwksUrl }),
    ...(algorithms.length > 0 && { algorithms }),
  };
}

function refuseWithoutIssuer(args: Arguments): void {
  const stray = ['oauth-audience', 'oauth-jwks-url', 'oauth-algorithm'].find(
    (flag) => args.texts(flag).length > 0,
  );
  if (stray !== undefined) throw new UsageError(`--${stray} means something only with --oauth-issuer.`);
}

function parseAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^(?:(\[[\da-f:.]+\]|[\w.-]*):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new UsageError(`--http must be HOST:PORT or PORT, for instance ${DEFAULT_ADDRESS}, not "${text}".`);
  }
  return { host: host?.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(port) };
}

function urlOf(args: Arguments, flag: string): string | undefined {
  const text = args.text(flag);
  if (text === undefined || (URL.canParse(text) && /^https?:/i.test(text))) return text;
  throw new UsageError(`--${flag} must be a whole address such as https://example.com, not "${text}".`);
}

/** A bare name would let in every scheme and port of it. */
function checkOrigin(text: string): string {
  if (URL.canParse(text) && /^[a-z][a-z\d+.-]*:\/\/[^\s/\\?#@]+$/i.test(text)) return text;
  throw new UsageError(
    `--allowed-origin must be an origin with its scheme and without a path, for instance https://app.example.com, not "${text}".`,
  );
}

function parseLimit(text: string): [string, number] {
  const [, name, number] = /^(\w+)=(\d+(?:\.\d+)?|Infinity)$/.exec(text) ?? [];
  if (name !== undefined) return [name, Number(number)];
  throw new UsageError(`--http-limit must be NAME=NUMBER, for instance callsAtOnce=200, not "${text}".`);
}
