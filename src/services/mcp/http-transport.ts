import type { StreamableHTTPClientTransport, Transport } from '@modelcontextprotocol/client';
import { MAX_MESSAGE_BYTES } from './stdio-transport.js';

/** Where a downstream server is and what is sent with each request. */
export interface HttpServer {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
}

/** A transport to a server behind an address that the operator named; redirects that leave its origin are refused. */
export async function httpTransport({ url, headers, fetch }: HttpServer): Promise<Transport> {
  const { StreamableHTTPClientTransport: Http } = await import('@modelcontextprotocol/client');
  return asTransport(
    new Http(new URL(url), { requestInit: { headers: { ...headers } }, fetch: cappedFetch(fetch) }),
  );
}

/** The session id is `undefined` when there is none, which exact optional types take for a mistake. */
function asTransport(transport: StreamableHTTPClientTransport): Transport {
  return transport as unknown as Transport;
}

/** Stops a body at the first message that is too large: a JSON body as a whole, or one event of a stream. */
function cappedFetch(base: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await base(input, init);
    if (response.body === null) return response;
    const isStream = (response.headers.get('content-type') ?? '').includes('text/event-stream');
    const { status, statusText, headers } = response;
    const capped = new Response(response.body.pipeThrough(capOf(isStream)), { status, statusText, headers });
    // The transport compares addresses to notice redirects; a response that is made by hand has none.
    Object.defineProperties(capped, {
      url: { value: response.url },
      redirected: { value: response.redirected },
    });
    return capped;
  };
}

function capOf(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const end = isStream ? endOfLastEvent(chunk) : -1;
      bytes = end === -1 ? bytes + chunk.length : chunk.length - end;
      if (bytes > MAX_MESSAGE_BYTES) {
        controller.error(new Error(`it sent a message of more than ${MAX_MESSAGE_BYTES} bytes`));
      } else controller.enqueue(chunk);
    },
  });
}

/** Events end with an empty line. One that is cut between two chunks is counted on, which only makes the cap stricter. */
function endOfLastEvent(chunk: Uint8Array): number {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Math.max(bytes.lastIndexOf('\n\n'), bytes.lastIndexOf('\r\n\r\n'), bytes.lastIndexOf('\r\r'));
}
