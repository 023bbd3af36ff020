import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHead } from './border.js';
import type { IncomingCall } from './incoming-call.js';
import type { HttpLimits } from './limits.js';
import { Pieces } from './pieces.js';
import { isEventStream } from './when-body-ends.js';

/** What the face of Node needs. */
export interface NodeFaceOptions {
  readonly answer: (call: IncomingCall) => Promise<Response>;
  readonly limits: HttpLimits;
  /** Whether connections end with their answer. */
  readonly isDraining: () => boolean;
}

/** Bytes of a refused body that are read and thrown away, so that the sender gets to read the refusal. */
const MAX_DUMPED_BYTES = 16 * 1024 * 1024;

/**
 * Answers a request of `node:http`. The client that goes away aborts the call's signal. Never rejects.
 *
 * The adapter of the SDK reads the whole body before anybody is asked who sends it, and lets an answer pile up for a
 * slow reader; this one does neither.
 */
export async function answerOverNode(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  parsedBody: unknown,
  options: NodeFaceOptions,
): Promise<void> {
  const abort = new AbortController();
  outgoing.on('error', () => {});
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) abort.abort();
  });
  const response = await options.answer(toCall(incoming, parsedBody, abort.signal));
  if (outgoing.destroyed) return void (await response.body?.cancel());
  dumpRest(incoming);
  if (options.isDraining()) outgoing.setHeader('connection', 'close');
  await write(response, outgoing, options.limits);
}

/** What a refused sender still sends is thrown away, up to a point. */
function dumpRest(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  let dumpedBytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    dumpedBytes += chunk.length;
    if (dumpedBytes > MAX_DUMPED_BYTES) incoming.destroy();
  });
  incoming.on('error', () => {});
}

async function write(response: Response, outgoing: ServerResponse, limits: HttpLimits): Promise<void> {
  outgoing.statusCode = response.status;
  // An answer that streams says so in its own words; a connection that ends says it here.
  for (const [name, value] of response.headers) if (name !== 'connection') outgoing.setHeader(name, value);
  if (!isEventStream(response)) {
    // A text goes out together with the head, in one write.
    const text = response.body === null ? '' : await response.text();
    if (text !== '') outgoing.setHeader('content-length', Buffer.byteLength(text));
    outgoing.end(text);
    return;
  }
  outgoing.flushHeaders();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  outgoing.once('close', () => void reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) break;
    outgoing.write(value);
    if (outgoing.writableLength > limits.backlogBytes) outgoing.destroy();
  }
  outgoing.end();
}

/**
 * The head of a request. A header that came twice has both values, so that it means neither: of two hosts or two tokens
 * Node alone would take the first, where a proxy in front may have taken the last.
 */
export function headOf({ method = 'GET', headersDistinct }: IncomingMessage): RequestHead {
  return { method, header: (name) => headersDistinct[name]?.join(', ') ?? null };
}

function toCall(incoming: IncomingMessage, parsedBody: unknown, signal: AbortSignal): IncomingCall {
  const head = headOf(incoming);
  return {
    ...head,
    signal,
    headers: () => {
      const headers = new Headers();
      for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
        for (const each of values) headers.append(name, each);
      }
      return headers;
    },
    body: () => {
      // Express hands its `next` over in this place.
      if (parsedBody !== undefined && typeof parsedBody !== 'function') return { parsed: parsedBody };
      return {
        declaredBytes: Number(head.header('content-length') ?? 0),
        read: (limitBytes) => collect(incoming, limitBytes),
      };
    },
  };
}

/** By events: an iterator that stops early would end the connection, which still has to carry the refusal. */
function collect(incoming: IncomingMessage, limitBytes: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const parts = new Pieces();
    const breakOff = () => reject(new Error('The request broke off.'));
    const take = (part: Buffer) => {
      parts.add(part);
      if (parts.sizeBytes <= limitBytes) return;
      incoming.off('data', take).off('close', breakOff);
      resolve(null);
    };
    incoming.on('data', take).once('error', breakOff).once('close', breakOff);
    incoming.once('end', () => resolve(parts.all()));
  });
}
