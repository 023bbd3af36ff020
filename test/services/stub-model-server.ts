import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface StubRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface StubModelServer {
  /** http://127.0.0.1:port */
  readonly address: string;
  readonly baseURL: string;
  readonly requests: readonly StubRequest[];
}

type Answer = (request: StubRequest, response: ServerResponse) => unknown;

/** A server on a free loopback port that lives as long as the test. */
export async function startStub(answer: Answer): Promise<StubModelServer> {
  const requests: StubRequest[] = [];
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const request = {
      path: message.url ?? '',
      headers: message.headers,
      body: text ? JSON.parse(text) : null,
    };
    requests.push(request);
    await answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, baseURL: `${address}/v1`, requests };
}

/** An address on which nothing listens. */
export async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Sends the pieces one by one, so that each arrives as a chunk of its own. */
export async function sendEvents(
  response: ServerResponse,
  pieces: readonly (string | Buffer)[],
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const piece of pieces) {
    response.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

/** One event of a streamed answer. */
export function textEvent(content: string, finish_reason: string | null = null): string {
  return `data: ${JSON.stringify({ model: 'stub-1', choices: [{ delta: { content }, finish_reason }] })}\n\n`;
}

/** Answers as a model server with one model that says `text`. */
export function modelThatSays(text: string, models: readonly string[] = ['stub-1']): Answer {
  return ({ path }, response) =>
    path.endsWith('/models')
      ? sendJson(response, 200, { data: models.map((id) => ({ id })) })
      : sendEvents(response, [textEvent(text, 'stop'), 'data: [DONE]\n\n']);
}
