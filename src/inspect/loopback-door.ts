import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { misuse } from '../core/errors.js';

/** The address that every window listens on: programs of other machines do not reach it. */
const HOST = '127.0.0.1';

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Shortest token, in characters. */
const SHORTEST_TOKEN = 16;

/**
 * Who may come in. A page of the web that makes a browser call here is told by its `Origin`, or by its `Host` when its
 * name was bound to this machine; another program of this machine lacks the token.
 */
export class LoopbackDoor {
  readonly #digest: Buffer;

  /** @throws TypeError for a token that could be guessed. */
  constructor(token: string) {
    if (token.length < SHORTEST_TOKEN) {
      throw misuse(
        `A token must have at least ${SHORTEST_TOKEN} characters, not ${token.length}; make it of random letters and digits.`,
      );
    }
    this.#digest = digestOf(token);
  }

  /** Why a request is refused whatever its token, or null. Programs send no `Origin`; pages must be our own. */
  foreign({ headers }: Pick<IncomingMessage, 'headers'>): string | null {
    const { host = '', origin } = headers;
    const name = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase() ?? '';
    if (!LOOPBACK_NAMES.has(name))
      return 'This Host is not this machine; open the address that gaffr printed.';
    if (origin === undefined || origin === `http://${host}`) return null;
    return 'Pages of another Origin may not call here.';
  }

  /** Whether this is the token; compares in constant time. */
  isToken(token: string | null): boolean {
    return token !== null && timingSafeEqual(digestOf(token), this.#digest);
  }

  /** Whether the request has the token in `Authorization`: as a bearer's, or as the password of a user of any name. */
  hasToken({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (scheme === '') return false;
    if (scheme.toLowerCase() === 'bearer') return this.isToken(value);
    const [, password = null] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
    return this.isToken(password);
  }
}

/** Where a window listens. */
export interface LoopbackAddress {
  /** 0 takes a free port. */
  readonly port: number;
  /** Whether another free port is taken when that one is in use. Default false. */
  readonly mayMove?: boolean;
}

/**
 * Listens on this machine's own address.
 *
 * @returns The root of the addresses there, without a slash at its end.
 * @throws Error when the port cannot be had.
 */
export async function listenOnLoopback(server: Server, address: LoopbackAddress): Promise<string> {
  try {
    server.listen(address.port, HOST);
    await once(server, 'listening');
  } catch (cause) {
    if (!address.mayMove || (cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    server.listen(0, HOST);
    await once(server, 'listening');
  }
  const { port } = server.address() as AddressInfo;
  return `http://${HOST}:${port}`;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
