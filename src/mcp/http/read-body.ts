import { isUtf8 } from 'node:buffer';
import type { HttpLimits } from './limits.js';
import { Pieces } from './pieces.js';
import { INVALID_REQUEST, PARSE_ERROR, type Refusal } from './refusal.js';

/** The body of a request as JSON, or why it is refused. */
export type Body = { readonly json: unknown } | { readonly refusal: Refusal };

const NOT_JSON: Body = {
  refusal: { status: 400, code: PARSE_ERROR, message: 'The body is not JSON in UTF-8.' },
};

/** Where a body comes from. */
export interface BodySource {
  /** The length that the client declared; 0 when it declared none. */
  readonly declaredBytes: number;
  /** All its bytes, or null as soon as there are more. Rejects when the client breaks off. */
  read(limitBytes: number): Promise<Uint8Array | null>;
}

/** Reads a body as far as the limit goes, and parses it. Rejects only when the client breaks off. */
export async function readBody({ declaredBytes, read }: BodySource, limits: HttpLimits): Promise<Body> {
  const bytes = declaredBytes > limits.bodyBytes ? null : await read(limits.bodyBytes);
  if (bytes !== null) return parse(bytes, limits);
  return { refusal: { status: 413, message: `The body is longer than ${limits.bodyBytes} bytes.` } };
}

/** Reads the stream of a web-standard body. */
export async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  limitBytes: number,
): Promise<Uint8Array | null> {
  const parts = new Pieces();
  for await (const part of (stream ?? []) as AsyncIterable<Uint8Array>) {
    parts.add(part);
    if (parts.sizeBytes > limitBytes) return null;
  }
  return parts.all();
}

/** Checks a body that somebody else has parsed. */
export function checkShape(json: unknown, limits: HttpLimits): Body {
  const refusal = shapeFault(json, limits);
  return refusal === undefined ? { json } : { refusal };
}

function parse(bytes: Uint8Array, limits: HttpLimits): Body {
  let json: unknown;
  try {
    if (!isUtf8(bytes)) return NOT_JSON;
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return NOT_JSON;
  }
  return checkShape(json, limits);
}

/** Walks level by level, since a recursion would end with the stack on a deep body. */
function shapeFault(
  json: unknown,
  { batchMessages, inputDepth, inputElements }: HttpLimits,
): Refusal | undefined {
  if (Array.isArray(json) && json.length > batchMessages) {
    return invalid(`A batch holds at most ${batchMessages} messages, not ${json.length}.`);
  }
  let level: unknown[] = [json];
  let elements = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > inputDepth) return invalid(`The body is nested more than ${inputDepth} deep.`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      const children = Array.isArray(value) ? value : Object.values(value);
      elements += children.length;
      if (elements > inputElements) return invalid(`The body holds more than ${inputElements} values.`);
      for (const child of children) if (typeof child === 'object' && child !== null) next.push(child);
    }
    level = next;
  }
  return undefined;
}

function invalid(message: string): Refusal {
  return { status: 400, code: INVALID_REQUEST, message };
}
