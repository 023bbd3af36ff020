import { Violation } from './judge.js';

/** One answer of HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  /** Messages or documents in the body. */
  readonly values: readonly unknown[];
}

/** Reads what came on one connection. @throws Violation when it is no HTTP, or no JSON within. */
export function readAnswers(bytes: Buffer, isHead: boolean): HttpAnswer[] {
  const answers: HttpAnswer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.toString('latin1', 0, end);
    const [, code] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
    if (end === -1 || code === undefined) throw new Violation(`no HTTP: ${rest.toString('latin1', 0, 300)}`);
    const status = Number(code);
    // What is no HTTP is refused without knowing that it began with HEAD.
    const isBare = isHead && rest.length === end + 4;
    const hasNoBody = isBare || status < 200 || status === 204 || status === 304;
    const { body, next } = hasNoBody ? { body: Buffer.alloc(0), next: end + 4 } : bodyOf(rest, end + 4, head);
    const type = headerOf(head, 'content-type') ?? '';
    if (status >= 200) answers.push({ status, type, values: valuesOf(type, body, status) });
    rest = rest.subarray(next);
  }
  return answers;
}

function bodyOf(bytes: Buffer, from: number, head: string): { body: Buffer; next: number } {
  const length = headerOf(head, 'content-length');
  if (length !== undefined)
    return { body: bytes.subarray(from, from + Number(length)), next: from + Number(length) };
  if (headerOf(head, 'transfer-encoding') !== 'chunked')
    return { body: bytes.subarray(from), next: bytes.length };
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    // A stream that was broken off has no last chunk.
    if (end === -1 || !(size > 0)) {
      return { body: Buffer.concat(parts), next: end === -1 ? bytes.length : end + 4 };
    }
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}

function valuesOf(type: string, body: Buffer, status: number): unknown[] {
  if (body.length === 0) return [];
  const text = body.toString();
  try {
    if (type.startsWith('text/event-stream')) {
      const lines = text.split('\n').filter((line) => line.startsWith('data: '));
      return lines.map((line) => JSON.parse(line.slice('data: '.length)));
    }
    if (type.startsWith('application/json')) return [JSON.parse(text)].flat();
  } catch {
    throw new Violation(`${status} with a body that is no JSON: ${text.slice(0, 300)}`);
  }
  throw new Violation(`${status} with ${type || 'no type'}: ${text.slice(0, 300)}`);
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim().toLowerCase();
}
