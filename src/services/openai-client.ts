/**
 * A small client of OpenAI-compatible chat servers over plain fetch. It never retries: the instance does. One file, because
 * its three calls share how a request is sent, guarded and read.
 */
import * as z from 'zod';
import { OrchestratorError, resultTooLarge } from '../core/errors.js';
import { lazySchema } from '../core/lazy-schema.js';
import {
  connectionFailure,
  httpFailure,
  type ModelCall,
  protocolFailure,
  streamFailure,
} from './openai-errors.js';
import { readEvents } from './openai-stream.js';
import { redactorOf } from './secrets.js';

/** A part of a message with pictures. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly ContentPart[];
}

/** A function that a model may propose to call. */
export interface ChatTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What a model proposes. */
export interface ProposedCall {
  readonly name: string;
  /** As the model wrote them; nobody has checked that they fit. */
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** What is asked of a model. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly temperature?: number | undefined;
  readonly maxTokens?: number | undefined;
  /** JSON schema that the answer is to have. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
}

/** A model's answer. */
export interface ChatAnswer {
  readonly text: string;
  /** As the server names it. */
  readonly model: string;
  /** `stop`, or `length` when the answer was cut at the limit of tokens; null when the server does not say. */
  readonly finishReason: string | null;
  /** Tokens counted by the server; null when it does not count. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null;
}

/** Where a model server is and how it is called. */
export interface ModelServer {
  /** With the version, without a slash at the end: `http://127.0.0.1:11434/v1`. */
  readonly baseURL: string;
  readonly apiKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly fetch: typeof fetch;
  /** Epoch milliseconds, for `Retry-After`. */
  readonly now: () => number;
  /** Largest answer, in bytes of UTF-8. */
  readonly maxResultBytes: number;
}

const LARGEST_ERROR_BYTES = 16 * 1024;
const LARGEST_LIST_BYTES = 1024 * 1024;
const LARGEST_PROPOSAL_BYTES = 1024 * 1024;
const PREVIEW_CHARACTERS = 1024;

const usageSchema = lazySchema(() => z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }));
const chunkSchema = lazySchema(() =>
  z.object({
    error: z.unknown().optional(),
    model: z.string().optional(),
    choices: z
      .array(
        z.object({
          delta: z.object({ content: z.string().nullish() }).nullish(),
          message: z.object({ content: z.string().nullish() }).nullish(),
          finish_reason: z.string().nullish(),
        }),
      )
      .optional(),
    usage: usageSchema.schema.nullish().catch(null),
  }),
);
const modelListSchema = lazySchema(() => z.object({ data: z.array(z.object({ id: z.string().min(1) })) }));

/**
 * Asks a model and reads its answer as it streams in.
 *
 * @param onText - Told the whole text so far after each piece.
 * @throws The signal's reason when it is aborted; otherwise an OrchestratorError of `openai-errors.ts`, or
 * `RESULT_TOO_LARGE` as soon as the answer is too large.
 */
export async function streamChat(
  server: ModelServer,
  request: ChatRequest,
  signal: AbortSignal,
  onText: (text: string) => void = () => {},
): Promise<ChatAnswer> {
  const call = callOf(server);
  return guard(call, signal, async () => {
    const response = await send(server, call, '/chat/completions', signal, {
      model: request.model,
      messages: request.messages,
      stream: true,
      stream_options: { include_usage: true },
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
      ...(request.schema === undefined ? {} : { response_format: jsonFormat(request.schema) }),
    });
    const answer = new AnswerReader(server, call, request.model, onText);
    const type = response.headers.get('content-type') ?? '';
    if (type.includes('application/json')) {
      // A server that does not stream.
      answer.take(await readText(response, server.maxResultBytes + LARGEST_ERROR_BYTES));
    } else if (type.includes('text/event-stream')) {
      const events = readEvents(bodyOf(response), (pending) => answer.checkSize(pending));
      for await (const event of events) answer.take(event);
    } else {
      await response.body?.cancel();
      throw protocolFailure(call, `answered with ${type || 'no content type'} instead of a stream of events`);
    }
    return answer.end();
  });
}

/**
 * Lists the models of a server, in its order.
 *
 * @throws As {@link streamChat} does.
 */
export async function listModels(server: ModelServer, signal: AbortSignal): Promise<string[]> {
  const call = callOf(server);
  return guard(call, signal, async () => {
    const response = await send(server, call, '/models', signal);
    const text = await readText(response, LARGEST_LIST_BYTES);
    const list = modelListSchema.safeParse(parseJson(call, text));
    if (!list.success) throw protocolFailure(call, 'does not list its models');
    return list.data.data.map(({ id }) => id);
  });
}

function jsonFormat(schema: Readonly<Record<string, unknown>>): object {
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

const proposalSchema = lazySchema(() =>
  z.object({
    choices: z.array(
      z.object({
        message: z.object({
          tool_calls: z
            .array(z.object({ function: z.object({ name: z.string(), arguments: z.unknown() }) }))
            .nullish(),
        }),
      }),
    ),
  }),
);

/**
 * Asks a model for one call of a tool, in one turn; null when it proposes none.
 *
 * @throws As {@link streamChat} does.
 */
export async function proposeCall(
  server: ModelServer,
  request: Pick<ChatRequest, 'model' | 'messages' | 'temperature'> & { readonly tools: readonly ChatTool[] },
  signal: AbortSignal,
): Promise<ProposedCall | null> {
  const call = callOf(server);
  return guard(call, signal, async () => {
    const { model, messages, temperature, tools } = request;
    const response = await send(server, call, '/chat/completions', signal, {
      model,
      messages,
      ...(temperature === undefined ? {} : { temperature }),
      tools: tools.map((tool) => ({ type: 'function', function: tool })),
      tool_choice: 'auto',
    });
    const answer = proposalSchema.safeParse(
      parseJson(call, await readText(response, LARGEST_PROPOSAL_BYTES)),
    );
    if (!answer.success) throw protocolFailure(call, 'answered in an unknown form', answer.error);
    const [proposed] = answer.data.choices[0]?.message.tool_calls ?? [];
    if (proposed === undefined) return null;
    const { name, arguments: args } = proposed.function;
    // Text by the protocol; some servers send the object itself.
    const parsed = typeof args === 'string' ? parseArguments(args) : args;
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? { name, arguments: parsed as Record<string, unknown> } : null;
  });
}

/** A model that writes broken arguments has proposed nothing. */
function parseArguments(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Collects an answer piece by piece. */
class AnswerReader {
  readonly #server: ModelServer;
  readonly #call: ModelCall;
  readonly #onText: (text: string) => void;
  #text = '';
  #bytes = 0;
  #model: string;
  #finishReason: string | null = null;
  #usage: ChatAnswer['usage'] = null;

  constructor(server: ModelServer, call: ModelCall, model: string, onText: (text: string) => void) {
    this.#server = server;
    this.#call = call;
    this.#model = model;
    this.#onText = onText;
  }

  take(event: string): void {
    const parsed = chunkSchema.safeParse(parseJson(this.#call, event));
    if (!parsed.success) throw protocolFailure(this.#call, 'sent an event of an unknown form', parsed.error);
    const { error, model, choices, usage } = parsed.data;
    if (error !== undefined && error !== null) throw streamFailure(this.#call, error);
    const [choice] = choices ?? [];
    const piece = choice?.delta?.content ?? choice?.message?.content ?? '';
    this.#model = model || this.#model;
    this.#finishReason = choice?.finish_reason ?? this.#finishReason;
    if (usage) this.#usage = { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens };
    if (piece === '') return;
    this.#text += piece;
    this.#bytes += Buffer.byteLength(piece);
    this.checkSize(0);
    this.#onText(this.#text);
  }

  /** Stops an answer, or one line of it, while it is read rather than after. */
  checkSize(pending: number): void {
    const { maxResultBytes } = this.#server;
    if (this.#bytes <= maxResultBytes && pending <= maxResultBytes + LARGEST_ERROR_BYTES) return;
    throw resultTooLarge(this.#call.address, maxResultBytes, this.#text.slice(0, PREVIEW_CHARACTERS));
  }

  end(): ChatAnswer {
    if (this.#finishReason === null && this.#usage === null) {
      throw connectionFailure(this.#call, new Error('the stream ended before the answer did'));
    }
    return {
      text: this.#text,
      model: this.#model,
      finishReason: this.#finishReason,
      usage: this.#usage,
    };
  }
}

/** Lets errors of ours pass, an abort be its reason, and everything else be the connection's failure. */
export async function guard<T>(call: ModelCall, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return call.redactor.value(await work());
  } catch (error) {
    signal.throwIfAborted();
    throw call.redactor.value(error instanceof OrchestratorError ? error : connectionFailure(call, error));
  }
}

/** GET without a body, else POST. The answer has a status of 2xx, or this throws. */
export async function send(
  server: ModelServer,
  call: ModelCall,
  path: string,
  signal: AbortSignal,
  body?: unknown,
): Promise<Response> {
  const response = await server.fetch(`${call.address}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: body === undefined ? 'application/json' : 'text/event-stream, application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(server.apiKey === undefined ? {} : { authorization: `Bearer ${server.apiKey}` }),
      ...server.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // Neither the task nor the key goes anywhere but where the configuration says.
    redirect: 'manual',
    signal,
  });
  if (response.ok) return response;
  const text = await readText(response, LARGEST_ERROR_BYTES).catch(() => '');
  throw httpFailure(call, response, text, server.now());
}

export async function readText(response: Response, mostBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of bodyOf(response)) {
    bytes += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop cancels the body.
    if (bytes > mostBytes) break;
  }
  return text + decoder.decode();
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body !== null) yield* response.body;
}

export function parseJson(call: ModelCall, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw protocolFailure(call, 'sent something that is not JSON', error);
  }
}

export function callOf(server: ModelServer): ModelCall {
  const redactor = redactorOf({ ...server.headers });
  if (server.apiKey !== undefined) redactor.add(server.apiKey);
  return { address: server.baseURL.replace(/\/+$/, ''), redactor };
}
