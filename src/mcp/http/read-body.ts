import type { HttpLimits } from './limits.js';
import { INVALID_REQUEST, PARSE_ERROR, type Refusal } from './refusal.js';

/** The body of a request as JSON, or why it is refused. */
export type Body = { readonly json: unknown } | { readonly refusal: Refusal };

/** Where a body comes from: its bytes, with the length that the client declared. */
export interface BodySource {
  readonly chunks: AsyncIterable<Uint8Array> | null;
  readonly declaredBytes: number;
}

/** Reads a body as far as the limit goes, and parses it. Rejects only when the client breaks off. */
export async function readBody({ chunks, declaredBytes }: BodySource, limits: HttpLimits): Promise<Body> {
  if (declaredBytes > limits.bodyBytes) return tooLarge(limits);
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of chunks ?? []) {
    sizeBytes += part.byteLength;
    if (sizeBytes > limits.bodyBytes) return tooLarge(limits);
    parts.push(part);
  }
  return parse(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts), limits);
}

/** Checks a body that somebody else has parsed. */
export function checkShape(json: unknown, limits: HttpLimits): Body {
  const refusal = shapeFault(json, limits);
  return refusal === undefined ? { json } : { refusal };
}

function parse(bytes: Uint8Array, limits: HttpLimits): Body {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { refusal: { status: 400, code: PARSE_ERROR, message: 'The body is not JSON in UTF-8.' } };
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

function tooLarge({ bodyBytes }: HttpLimits): Body {
  return { refusal: { status: 413, message: `The body is longer than ${bodyBytes} bytes.` } };
}
