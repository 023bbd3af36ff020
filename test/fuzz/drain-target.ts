import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ServerProcess } from './child.js';
import { Violation } from './judge.js';

/** A way to call tools of a server, whose every call is kept until it is answered. */
export interface Clients {
  /** Calls a tool; resolves with the structured part of the answer, rejects when there is none. */
  call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** Waits until the server has just so much to do. */
export async function untilLoaded(
  clients: Clients,
  load: { readonly running: number; readonly queued: number },
) {
  for (let waitedMs = 0; ; waitedMs += 20) {
    const { running, queued } = await clients.call('listServices', {});
    if (isDeepStrictEqual({ running, queued }, load)) return;
    if (waitedMs > 30_000)
      throw new Violation(`${running} tasks run and ${queued} wait, not ${JSON.stringify(load)}`);
    await sleep(20);
  }
}

/** One client over stdio. */
export function stdioClient({ child }: ServerProcess): Clients {
  const waiting = new Map<number, Waiting>();
  let id = 0;
  createInterface({ input: child.stdout })
    .on('line', (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result?: { structuredContent?: Answer } };
      const { structuredContent } = result ?? {};
      if (structuredContent !== undefined) waiting.get(id)?.resolve(structuredContent);
    })
    .on('close', () => {
      for (const { reject } of waiting.values()) reject(new Violation('stdout ended before the answer'));
    });
  const send = (message: object) =>
    void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'drain', version: '1' };
  send({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
  });
  send({ method: 'notifications/initialized' });
  return {
    call(name, args) {
      id += 1;
      send({ id, method: 'tools/call', params: { name, arguments: args } });
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
  };
}

type Answer = Record<string, unknown>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: Error) => void;
}

/** As many clients over HTTP as there are calls, each on a connection of its own. */
export function httpClients(port: number, token: string): Clients {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    call(name, args) {
      const params = { _meta: meta, name, arguments: args };
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      };
      return new Promise((resolve, reject) => {
        const options = {
          host: '127.0.0.1',
          port,
          path: '/mcp',
          method: 'POST',
          headers,
          agent: false as const,
        };
        const call = request(options, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part) => {
            text += part;
          });
          response.on('error', reject).on('end', () => {
            const [json] = /\{"(result|jsonrpc)".*\}/.exec(text) ?? [];
            const answer = json === undefined ? undefined : JSON.parse(json).result?.structuredContent;
            if (answer !== undefined) return resolve(answer);
            reject(new Violation(`${response.statusCode} without an answer: ${text.slice(0, 300)}`));
          });
        });
        call.on('error', (cause) => reject(new Violation(`the connection broke: ${cause.message}`)));
        call.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
      });
    },
  };
}
