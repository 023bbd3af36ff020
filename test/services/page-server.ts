import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server on the loopback address. */
export interface PageServer {
  readonly port: number;
  readonly host: string;
  /** Paths that were asked for. */
  readonly requests: string[];
  url(path: string): string;
  close(): Promise<void>;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts a server that answers by path; other paths are 404. */
export async function startPageServer(answers: Readonly<Record<string, Answer>>): Promise<PageServer> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const answer = answers[path.split('?')[0] ?? ''];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    port,
    host,
    requests,
    url: (path) => `http://${host}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves a body of the given type. */
export function served(contentType: string, body: string | Uint8Array): Answer {
  return (_request, response) => {
    if (contentType !== '') response.setHeader('content-type', contentType);
    response.end(body);
  };
}

/** Answers with a status, and headers. */
export function status(code: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(code, headers).end();
  };
}
