import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpLimits } from './limits.js';
import { type Refusal, refusalBody } from './refusal.js';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

/**
 * The open connections of a server.
 *
 * Owns: which sockets are open and how many requests each has under way. Invariants:
 * - L1 at most `limits.connections` are open: a further one takes the place of the one that has waited longest without a
 *   request under way, so that a thousand half-open connections keep nobody out;
 * - L2 what is no HTTP, comes too slowly, or is what Node would answer itself, is answered in JSON too.
 */
export class Connections {
  readonly #limits: HttpLimits;
  /** Sockets without a request under way, the longest waiting first. */
  readonly #waiting = new Set<Socket>();
  readonly #busy = new Map<Socket, Set<ServerResponse>>();

  constructor(server: Server, limits: HttpLimits) {
    this.#limits = limits;
    server.on('connection', (socket: Socket) => this.#receive(socket));
    server.prependListener('request', (request, response) => this.#track(request, response));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      this.#refuse(socket, faultOf(error)),
    );
    // Node would end the connection without a word.
    server.on('connect', (_request, socket: Socket) =>
      this.#refuse(socket, { status: 405, message: 'There is no CONNECT here.' }),
    );
    // Node would answer 417 without a body; who expects what nobody knows is served as anybody else.
    server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  }

  #receive(socket: Socket): void {
    const isFull = this.#waiting.size + this.#busy.size >= this.#limits.connections;
    const [longestWaiting] = this.#waiting;
    if (isFull && longestWaiting === undefined) {
      const message = `All ${this.#limits.connections} connections are in use; try again later.`;
      this.#refuse(socket, { status: 503, message });
      return;
    }
    if (isFull) longestWaiting?.destroy();
    this.#waiting.add(socket);
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#busy.delete(socket);
    });
    // A socket dropped here counts no more, though its event comes later.
    if (isFull && longestWaiting !== undefined) this.#waiting.delete(longestWaiting);
  }

  #track({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#waiting.delete(socket);
    const answers = this.#busy.get(socket) ?? new Set();
    this.#busy.set(socket, answers.add(response));
    response.once('close', () => {
      answers.delete(response);
      if (answers.size > 0) return;
      this.#busy.delete(socket);
      if (!socket.destroyed) this.#waiting.add(socket);
    });
  }

  /** Whether a refusal would be read as part of an answer, or as the answer to an earlier request. */
  #isAmidAnswer(socket: Socket): boolean {
    const [first, ...others] = this.#busy.get(socket) ?? [];
    return others.length > 0 || first?.headersSent === true;
  }

  #refuse(socket: Socket, refusal: Refusal): void {
    if (!socket.writable || this.#isAmidAnswer(socket)) return void socket.destroy();
    const body = refusalBody(refusal);
    const head = [
      `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status]}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  }
}

function faultOf({ code }: NodeJS.ErrnoException): Refusal {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'The request came too slowly.' };
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'The head of the request is too long.' };
    default:
      return { status: 400, message: 'This is no HTTP request.' };
  }
}
