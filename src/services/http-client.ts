/** Posts one task to an address and reads the answer as it comes. It never retries: the instance does. */

import { messageOf, OrchestratorError, resultTooLarge } from '../core/errors.js';
import type { ServiceContext } from '../core/service.js';
import { brokeOff, httpStatusFailure, notReached, redirectRefused, unreadableAnswer } from './http-errors.js';
import { invalidInput } from './input-errors.js';
import { LineReader } from './line-reader.js';
import { saidError } from './said-error.js';

/** Where tasks go and how much comes back. */
export interface TaskServer {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxResultBytes: number;
  readonly fetch: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

type Hooks = Pick<ServiceContext, 'signal' | 'progress'>;

const MAX_REDIRECTS = 3;
/** Redirects that keep method and body; the others would lose the task. */
const KEEPING_REDIRECTS = [307, 308];
/** Failures of a connection that was never made, so that nothing was sent. */
const NEVER_SENT = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];
const LARGEST_ERROR_BYTES = 16 * 1024;
const PREVIEW_CHARACTERS = 1024;
/** Progress that is passed on, per second. */
const MOST_NOTES_PER_SECOND = 100;

/**
 * @throws OrchestratorError as `httpService()` says, `RESULT_TOO_LARGE` as soon as the answer is; the signal's reason when
 * it fires.
 */
export async function postTask(server: TaskServer, body: object, hooks: Hooks): Promise<unknown> {
  const { signal } = hooks;
  signal.throwIfAborted();
  const text = bodyOf(body);
  try {
    const response = await send(server, text, signal);
    if (!response.ok) throw await failureOf(server, response);
    return await answerOf(server, response, hooks);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof OrchestratorError) throw cause;
    const code = causeCodeOf(cause);
    throw code !== null && NEVER_SENT.includes(code)
      ? notReached(server.url, code, cause)
      : brokeOff(server.url, code ?? messageOf(cause), cause);
  }
}

async function send(server: TaskServer, body: string, signal: AbortSignal): Promise<Response> {
  let address = server.url;
  for (let redirects = 0; ; redirects += 1) {
    const response = await server.fetch(address.href, {
      method: 'POST',
      headers: {
        accept: 'application/json, application/x-ndjson, text/event-stream, text/*;q=0.5',
        'content-type': 'application/json',
        ...server.headers,
      },
      body,
      // Each hop is looked at: neither the task nor the headers go where the configuration does not say.
      redirect: 'manual',
      signal,
    });
    const location =
      response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, address.href) ? new URL(location, address) : null;
    if (
      next?.origin !== server.url.origin ||
      redirects === MAX_REDIRECTS ||
      !KEEPING_REDIRECTS.includes(response.status)
    ) {
      throw redirectRefused(server.url, response.status, next);
    }
    address = next;
  }
}

async function answerOf(server: TaskServer, response: Response, hooks: Hooks): Promise<unknown> {
  const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (/^application\/(?:x-)?(?:ndjson|jsonl)$/.test(type))
    return streamed(server, response, hooks, (line) => line);
  if (type === 'text/event-stream') {
    return streamed(server, response, hooks, (line) =>
      line.startsWith('data:') ? line.slice('data:'.length) : '',
    );
  }
  const text = await readText(server, response);
  if (text === '') return null;
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(type)) return text;
  const said = parseJson(server, text);
  if (typeof said !== 'object' || said === null) return said;
  if ('error' in said && said.error !== null && !('result' in said)) {
    throw saidError(said.error, `service at ${shown(server.url)}`);
  }
  return 'result' in said ? said.result : said;
}

/** Lines of JSON: any number of `{ progress, message }`, then `{ result }` or `{ error }`. */
async function streamed(
  server: TaskServer,
  response: Response,
  { progress }: Hooks,
  textOf: (line: string) => string,
): Promise<unknown> {
  let outcome: { readonly value: unknown } | undefined;
  let notes = { sinceMs: 0, count: 0 };
  const hear = (line: string): void => {
    const text = textOf(line).trim();
    if (text === '' || outcome !== undefined) return;
    const said = parseJson(server, text) as Record<string, unknown> | null;
    if (typeof said !== 'object' || said === null) return;
    if ('error' in said) throw saidError(said.error, `service at ${shown(server.url)}`);
    if ('result' in said) outcome = { value: said.result };
    else if (typeof said.progress === 'number') {
      const nowMs = performance.now();
      if (nowMs - notes.sinceMs > 1000) notes = { sinceMs: nowMs, count: 0 };
      notes.count += 1;
      const message = typeof said.message === 'string' ? said.message : undefined;
      if (notes.count <= MOST_NOTES_PER_SECOND) progress(said.progress, message);
    }
  };
  const lines = new LineReader({
    maxLineBytes: server.maxResultBytes,
    onLine: hear,
    onTooLong: (beginning) => {
      throw tooLarge(server, beginning);
    },
  });
  for await (const chunk of piecesOf(response)) {
    lines.write(Buffer.from(chunk));
    // Leaving the loop cancels the body: what a service says after its result is not waited for.
    if (outcome !== undefined) return outcome.value;
  }
  lines.end();
  if (outcome === undefined) throw new Error('the stream ended before a result');
  return (outcome as { readonly value: unknown }).value;
}

async function failureOf(server: TaskServer, response: Response): Promise<OrchestratorError> {
  const text = await readBeginning(response);
  let said: unknown;
  try {
    said = (JSON.parse(text) as { error?: unknown } | null)?.error;
  } catch {
    // No JSON: the status says enough.
  }
  return httpStatusFailure(server.url, response, said, server.now());
}

async function readText(server: TaskServer, response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of piecesOf(response)) {
    pieces.push(piece);
    sizeBytes += piece.byteLength;
    if (sizeBytes > server.maxResultBytes)
      throw tooLarge(server, Buffer.from(pieces[0] ?? '').toString('utf8'));
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function readBeginning(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of piecesOf(response)) {
      pieces.push(piece);
      sizeBytes += piece.byteLength;
      if (sizeBytes > LARGEST_ERROR_BYTES) break;
    }
  } catch {
    // The status is known; the rest of its explanation is not worth a second failure.
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function* piecesOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body !== null) yield* response.body as unknown as AsyncIterable<Uint8Array>;
}

function tooLarge(server: TaskServer, beginning: string): OrchestratorError {
  return resultTooLarge(shown(server.url), server.maxResultBytes, beginning.slice(0, PREVIEW_CHARACTERS));
}

function parseJson(server: TaskServer, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadableAnswer(server.url, cause);
  }
}

function bodyOf(body: object): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw invalidInput(
      'arguments',
      `The kwargs cannot be written as JSON (${messageOf(cause)}); pass plain data.`,
      {},
      cause,
    );
  }
}

function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** fetch() hides what happened as the cause of "fetch failed". */
function causeCodeOf(cause: unknown): string | null {
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  return inner instanceof Error && 'code' in inner ? String(inner.code) : null;
}
