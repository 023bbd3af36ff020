import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../src/core/environment.js';
import type { ServiceContext } from '../../src/core/service.js';
import { type HttpServerOptions, serveHttp } from '../../src/mcp/http/serve-http.js';
import { createOrchestrator } from '../../src/orchestrator.js';

export const TOKEN = 'test-token-of-more-than-32-characters';

/** What came back over plain HTTP. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface PlainRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A server in this process, and what its services saw. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Lines such as `started a` and `aborted a`. */
  readonly seen: readonly string[];
  saw(line: string): Promise<void>;
  send(request: PlainRequest): Promise<PlainAnswer>;
  /** Sends bytes as they are, and resolves with all that comes until the server closes. */
  sendRaw(bytes: string): Promise<string>;
  close(): Promise<void>;
}

/** Headers of a good request. */
export const GOOD_HEADERS = {
  authorization: `Bearer ${TOKEN}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A tool call of the 2026 protocol. */
export function modernCall(
  args: Record<string, unknown>,
  name = 'execute',
  id: number | string = 1,
): PlainRequest {
  return {
    method: 'POST',
    headers: {
      ...GOOD_HEADERS,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { _meta: META, name, arguments: args },
    }),
  };
}

/** The `initialize` of the 2025 protocol. */
export const INITIALIZE: PlainRequest = {
  method: 'POST',
  headers: GOOD_HEADERS,
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 'init',
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  }),
};

export async function startServer(options: Partial<HttpServerOptions> = {}): Promise<TestServer> {
  const seen: string[] = [];
  const orchestrator = createOrchestrator({
    services: servicesThatTell((line) => seen.push(line)),
    config: {
      taskConfig: { maxParallel: 8, retryOnFailure: false, drainSeconds: 0 },
      routingConfig: { fallbackService: 'echo' },
    },
  });
  const server = await serveHttp(orchestrator, {
    host: '127.0.0.1',
    port: 0,
    auth: { token: TOKEN },
    log: silentLog,
    version: '0.0.0-test',
    ...options,
  });
  const port = Number(new URL(server.url).port);
  return {
    url: server.url,
    port,
    seen,
    saw: (line) => until(() => seen.includes(line), line),
    send: (request) => send(port, request),
    sendRaw: (bytes) => sendRaw(port, bytes),
    async close() {
      await orchestrator.close();
      await server.close();
    },
  };
}

/** Services whose doings a test can see. */
export function servicesThatTell(say: (line: string) => void) {
  return {
    echo: (task: string) => `echo ${task}`,
    fails() {
      // The fault of the task, not of its service, whose circuit stays closed.
      throw Object.assign(new Error('no luck'), { retryable: false });
    },
    async slow(task: string, { signal, kwargs, progress }: ServiceContext) {
      say(`started ${task}`);
      try {
        for (let step = 1; step <= 5; step++) {
          await sleep(Number(kwargs.stepMs ?? 10), undefined, { signal });
          progress(step / 5, `step ${step}`);
        }
      } catch (cause) {
        say(`aborted ${task}`);
        throw cause;
      }
      return `slow ${task}`;
    },
    chatty(task: string, { progress, kwargs, signal }: ServiceContext) {
      signal.addEventListener('abort', () => say(`aborted ${task}`));
      return new Promise((resolve) => {
        let step = 0;
        const timer = setInterval(() => {
          step += 1;
          progress(step / 1000, 'x'.repeat(Number(kwargs.length ?? 10)));
          if (step < 1000) return;
          clearInterval(timer);
          resolve('said all');
        }, 1);
      });
    },
  };
}

export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 10) {
    if (waitedMs > 10_000) throw new Error(`no "${what}" within 10 s`);
    await sleep(10);
  }
}

function send(
  port: number,
  { method = 'GET', path = '/mcp', headers = {}, body }: PlainRequest,
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}
