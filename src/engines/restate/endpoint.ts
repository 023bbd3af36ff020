import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../../core/environment.js';
import { cannotListen } from '../../core/errors.js';
import { createHandlers, type HandlerPorts } from './handlers.js';
import type { Sdk } from './sdk.js';

/** How long a close waits until the server has the outcomes of attempts, in milliseconds. */
const TELL_MS = 2000;

/** Where handlers are served. */
export interface EndpointOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Public keys of the servers whose requests are taken; none: every request is. */
  readonly identityKeys: readonly string[];
  readonly log: Log;
}

/** The door of a worker. */
export interface Endpoint {
  /** The port it listens on. */
  readonly port: number;
  /** Takes no more requests, lets attempts that have ended be told, and ends the requests that are open. */
  close(): Promise<void>;
}

/**
 * Serves the handlers over HTTP/2 in the clear, as the server calls them.
 *
 * @throws OrchestratorError `ENGINE_UNAVAILABLE` when the port is taken.
 */
export async function serveHandlers(
  sdk: Sdk,
  ports: HandlerPorts,
  { host, port, identityKeys, log }: EndpointOptions,
): Promise<Endpoint> {
  const handler = sdk.createEndpointHandler({
    services: createHandlers(sdk, ports),
    identityKeys: [...identityKeys],
    // Of each try that fails the SDK says a line; the server tries again, and the worker's own log says why.
    logger: ({ level }, message, ...more) => {
      const facts = { restate: level, details: more.map(String) };
      log.debug(facts, typeof message === 'string' ? message : 'restate');
    },
  });
  const attempts = new Set<object>();
  const server = createServer((request, response) => {
    if (request.url.includes(`/${ports.names.attempt}/`)) {
      attempts.add(response);
      response.once('close', () => attempts.delete(response));
    }
    handler(request, response);
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      const limitMs = Date.now() + TELL_MS;
      while (attempts.size > 0 && Date.now() < limitMs) await setTimeout(10);
      for (const session of sessions) session.destroy();
      await ended;
    },
  };
}

function listen(server: Http2Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(host, port, cause)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
