/**
 * A web proxy on this machine through which a program reaches what `GuardedFetch` would: its names are looked up here,
 * and each of its connections is checked, whatever the program itself thinks of an address.
 *
 * Owns: one server on a free port of the loopback address, and the connections through it. Talks to: the network.
 * - L1 no connection is made that {@link guardedConnector} refuses, redirects and embedded parts of pages included.
 * - L2 close() ends the server and all connections.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request as fetchFrom } from 'undici';
import { OrchestratorError } from '../core/errors.js';
import { type GuardedFetchOptions, guardedConnector } from './guarded-fetch.js';

type Connector = ReturnType<typeof guardedConnector>;

/** Headers that concern one connection and not the message. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Hosts of which it is remembered that they were refused. */
const MOST_REMEMBERED = 1000;

export class GuardedProxy {
  /** What was refused, as host and port in lower case, a port of 80 or 443 too. */
  readonly refused = new Set<string>();
  readonly #connect: Connector;
  readonly #agent: Agent;
  readonly #server: Server;
  readonly #tunnels = new Set<Duplex>();

  constructor(options: Pick<GuardedFetchOptions, 'allowPrivateHosts' | 'lookup'>) {
    this.#connect = guardedConnector(options);
    this.#agent = new Agent({ connect: this.#connect, pipelining: 0 });
    this.#server = createServer((message, answer) => void this.#forward(message, answer));
    this.#server.on('connect', (message: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#tunnel(message, socket, head),
    );
    // A proxy that nobody uses does not keep the process alive.
    this.#server.unref();
  }

  /** Starts it and tells its address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const tunnel of this.#tunnels) tunnel.destroy();
    await this.#agent.destroy();
  }

  async #forward(message: IncomingMessage, answer: ServerResponse): Promise<void> {
    const address = URL.canParse(message.url ?? '') ? new URL(message.url ?? '') : null;
    if (address?.protocol !== 'http:') {
      answer.writeHead(400).end();
      return;
    }
    try {
      const { statusCode, headers, body } = await fetchFrom(address, {
        dispatcher: this.#agent,
        method: (message.method ?? 'GET') as 'GET',
        headers: withoutHops(message.headers),
        body: message,
      });
      answer.writeHead(statusCode, withoutHops(headers));
      await pipeline(body, answer);
    } catch (cause) {
      this.#note(address, cause);
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(isRefusal(cause) ? 403 : 502).end();
    }
  }

  #tunnel(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = URL.canParse(`http://${message.url}`) ? new URL(`http://${message.url}`) : null;
    socket.on('error', () => socket.destroy());
    if (target === null) {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    const { hostname } = target;
    // A port of 80 is left out of an address; here it was said.
    const port = target.port === '' ? '80' : target.port;
    this.#connect({ hostname, port, protocol: 'http:', host: `${hostname}:${port}` }, (error, peer) => {
      if (error !== null) {
        this.#note(target, error);
        socket.end(`HTTP/1.1 ${isRefusal(error) ? '403 Forbidden' : '502 Bad Gateway'}\r\n\r\n`);
        return;
      }
      for (const end of [socket, peer]) {
        this.#tunnels.add(end);
        end.once('close', () => {
          this.#tunnels.delete(end);
          socket.destroy();
          peer.destroy();
        });
      }
      peer.on('error', () => peer.destroy());
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (head.length > 0) peer.write(head);
      peer.pipe(socket);
      socket.pipe(peer);
    });
  }

  #note(address: URL, cause: unknown): void {
    if (isRefusal(cause) && this.refused.size < MOST_REMEMBERED) this.refused.add(hostAndPort(address));
  }
}

/** How {@link GuardedProxy.refused} names the server of an address. */
export function hostAndPort({ protocol, hostname, port }: URL): string {
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`.toLowerCase();
}

function isRefusal(cause: unknown): boolean {
  const inner = cause instanceof Error && !(cause instanceof OrchestratorError) ? cause.cause : cause;
  return [cause, inner].some((each) => each instanceof OrchestratorError && each.code === 'INVALID_INPUT');
}

function withoutHops(headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !HOP_HEADERS.has(name),
  );
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}
