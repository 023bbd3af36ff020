import { OrchestratorError } from '../core/errors.js';
import { agentFailure } from './agent-failure.js';

/**
 * A model of the AI SDK: the `LanguageModel` objects that its providers make, of the specifications v2 to v4. Its methods
 * are called as they are, so the package `ai` is not needed.
 */
export interface LanguageModelLike {
  readonly modelId: string;
  doGenerate(options: ModelCall): PromiseLike<{ readonly content: readonly ContentPart[] }>;
  doStream(options: ModelCall): PromiseLike<{ readonly stream: ReadableStream<StreamPart> }>;
}

/** One call of a model. */
export interface ModelCall {
  prompt: PromptMessage[];
  abortSignal: AbortSignal;
  temperature?: number;
  maxOutputTokens?: number;
  responseFormat?: { type: 'json'; schema: object };
  tools?: { type: 'function'; name: string; description: string; inputSchema: object }[];
  toolChoice?: { type: 'auto' };
}

/** One message of a prompt, the same in every specification. */
export type PromptMessage =
  | { role: 'system'; content: string }
  | { role: 'user' | 'assistant'; content: { type: 'text'; text: string }[] };

/** A part of an answer, as far as it is looked at. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly toolName?: string;
  readonly input?: unknown;
}

/** A part of a streamed answer, as far as it is looked at. */
export interface StreamPart {
  readonly type: string;
  readonly delta?: unknown;
  readonly error?: unknown;
  readonly finishReason?: unknown;
  readonly usage?: unknown;
}

/** A message of nothing but text. */
export function toMessage(role: 'system' | 'user' | 'assistant', text: string): PromptMessage {
  return role === 'system' ? { role, content: text } : { role, content: [{ type: 'text', text }] };
}

/** Calls a model once. @throws OrchestratorError for whatever it throws; the signal's reason once that has fired. */
export async function generate(model: LanguageModelLike, call: ModelCall): Promise<readonly ContentPart[]> {
  call.abortSignal.throwIfAborted();
  try {
    return (await model.doGenerate(call)).content;
  } catch (cause) {
    if (call.abortSignal.aborted) throw call.abortSignal.reason;
    throw agentFailure(`Model "${model.modelId}"`, cause, true);
  }
}

/** A streamed answer as a whole. */
export interface Collected {
  readonly text: string;
  readonly end: { readonly finishReason: string | null; readonly usage: ReturnType<typeof usageOf> };
}

/** How a streamed answer is read. */
export interface CollectOptions {
  readonly signal: AbortSignal;
  readonly maxCharacters: number;
  readonly name: string;
  readonly onText: (text: string) => void;
}

/** Reads a streamed answer to its end. @throws what the stream says of an error, and `RESULT_TOO_LARGE`. */
export async function collect(
  stream: ReadableStream<StreamPart>,
  options: CollectOptions,
): Promise<Collected> {
  const { signal, maxCharacters, name, onText } = options;
  let text = '';
  let end: Collected['end'] = { finishReason: null, usage: null };
  const reader = stream.getReader();
  // A provider that does not heed the signal is left all the same: the read that waits ends.
  const leave = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', leave, { once: true });
  try {
    for (;;) {
      const { done, value: part } = await reader.read();
      if (done) return { text, end };
      if (part.type === 'error') throw part.error;
      if (part.type === 'finish') end = endOf(part);
      if (part.type !== 'text-delta' || typeof part.delta !== 'string') continue;
      text += part.delta;
      if (text.length > maxCharacters) throw tooLong(name, maxCharacters, text);
      onText(text);
    }
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
  }
}

function endOf({ finishReason, usage }: StreamPart): Collected['end'] {
  return { finishReason: reasonOf(finishReason), usage: usageOf(usage) };
}

function tooLong(name: string, maxCharacters: number, text: string): OrchestratorError {
  const message = `The answer of "${name}" is longer than maxCharacters (${maxCharacters}); ask for less or raise maxCharacters.`;
  return new OrchestratorError('RESULT_TOO_LARGE', message, { maxCharacters, preview: text.slice(0, 1024) });
}

/** A text in the specifications v2 and v3's first releases, an object with the provider's own word since. */
function reasonOf(reason: unknown): string | null {
  if (typeof reason === 'string') return reason;
  const unified =
    typeof reason === 'object' && reason !== null && 'unified' in reason ? reason.unified : null;
  return typeof unified === 'string' ? unified : null;
}

/** Numbers in the specification v2, objects with a total since. */
function usageOf(
  usage: unknown,
): { readonly promptTokens: number; readonly completionTokens: number } | null {
  if (typeof usage !== 'object' || usage === null) return null;
  const { inputTokens, outputTokens } = usage as Readonly<Record<string, unknown>>;
  const [promptTokens, completionTokens] = [inputTokens, outputTokens].map(totalOf);
  return promptTokens === undefined || completionTokens === undefined
    ? null
    : { promptTokens, completionTokens };
}

function totalOf(tokens: unknown): number | undefined {
  const total = typeof tokens === 'object' && tokens !== null && 'total' in tokens ? tokens.total : tokens;
  return typeof total === 'number' ? total : undefined;
}
