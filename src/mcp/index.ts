/** MCP for an application of your own: the public names of `gaffr/mcp`, nothing else. */
export type { VerifiedToken, VerifyToken } from './http/authenticate.js';
export {
  createMcpHttpHandler,
  type McpAuth,
  type McpHttpHandler,
  type McpHttpOptions,
} from './http/handler.js';
export type { HttpLimits, HttpLimitsInput } from './http/limits.js';
export { createResourceServer, type OAuthOptions, type ResourceServer } from './http/oauth.js';
export type { Scope } from './http/scopes.js';
export { type HttpConnection, type HttpServerOptions, serveHttp } from './http/serve-http.js';
export type { RunLimits, RunLimitsInput } from './runs/run-limits.js';
