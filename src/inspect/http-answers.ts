import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Longest body of an order, in bytes. */
const MOST_BODY_BYTES = 64 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Where the files of the pages lie, seen from the sources as from the build. */
const PAGE_FOLDER = new URL('../../src/inspect/page/', import.meta.url);

/** Says what every answer says: nothing is kept, nothing is guessed, nobody frames it, and nothing else is loaded. */
export function stamp(response: ServerResponse, contentSecurityPolicy: string): void {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('content-security-policy', contentSecurityPolicy);
}

export function answerJson(response: ServerResponse, status: number, body: object): void {
  response.on('error', () => {});
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Answers with a file of the page; its name comes from a table, never from the request. */
export async function answerFile(response: ServerResponse, name: string): Promise<void> {
  const bytes = await readFile(new URL(name, PAGE_FOLDER));
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  response.on('error', () => {});
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
}

/** Reads a JSON body. Returns undefined when it is none or too long. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_BODY_BYTES) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // A body that broke off and one that is no JSON are refused alike.
    return undefined;
  }
}
