import type { ClientHttp2Session } from 'node:http2';

/** How many requests wait on one connection: what servers allow at least. */
const MOST_WAITING = 100;

/** How often a connection is asked whether it lives, in milliseconds. */
const PING_MS = 15_000;

/** What was answered. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

interface Connection {
  readonly session: ClientHttp2Session;
  waiting: number;
  /** It takes further requests. */
  isOpen: boolean;
}

/**
 * Requests that wait for as long as a task takes, many of them on each connection: thousands of tasks are waited for with
 * dozens of sockets. Owns: its connections. Invariant L1: a request whose connection ends is rejected.
 */
export class WaitingLine {
  readonly #origin: string;
  readonly #connections = new Set<Connection>();
  #isRefused = false;
  #isClosed = false;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** What answers there speaks no HTTP/2: a proxy, perhaps. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Asks by GET and resolves with the answer, whenever it comes. Rejects when the connection ends before. */
  get(path: string): Promise<Reply> {
    if (this.#isClosed) return Promise.reject(new Error('closed'));
    const connection = this.#connection();
    const { session } = connection;
    if (connection.waiting === 0) session.ref();
    connection.waiting += 1;
    return new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path, accept: 'application/json' });
      let status = 0;
      let text = '';
      let hasEnded = false;
      stream.setEncoding('utf8');
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => {
        hasEnded = true;
      });
      stream.on('error', reject);
      stream.on('close', () => {
        connection.waiting -= 1;
        if (connection.waiting === 0) session.unref();
        // A stream that is torn may end as well, and only here it is known how.
        if (hasEnded && status > 0 && stream.rstCode === 0) resolve({ status, text });
        reject(new Error('the connection ended before an answer came'));
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const { session } of this.#connections) session.destroy();
  }

  #connection(): Connection {
    for (const connection of this.#connections)
      if (connection.isOpen && connection.waiting < MOST_WAITING) return connection;
    // Loaded here: everybody who imports the library would pay for it.
    const session = process.getBuiltinModule('node:http2').connect(this.#origin);
    const connection: Connection = { session, waiting: 0, isOpen: true };
    this.#connections.add(connection);
    let isAnswered = true;
    const pulse = setInterval(() => {
      if (!isAnswered) session.destroy(new Error('the server does not answer any more'));
      else if (!session.connecting && !session.destroyed) {
        isAnswered = false;
        session.ping(() => {
          isAnswered = true;
        });
      }
    }, PING_MS).unref();
    session.on('error', (cause: NodeJS.ErrnoException) => {
      // Its requests say so too.
      if (cause.code === 'ERR_HTTP2_ERROR') this.#isRefused = true;
      connection.isOpen = false;
    });
    session.on('goaway', () => {
      connection.isOpen = false;
    });
    session.on('close', () => {
      clearInterval(pulse);
      this.#connections.delete(connection);
    });
    return connection;
  }
}
