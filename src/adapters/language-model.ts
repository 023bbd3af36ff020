import * as z from 'zod';
import { misuse, OrchestratorError } from '../core/errors.js';
import type { AskModel } from '../core/model-ports.js';
import type { Service } from '../core/service.js';
import { reportLength, withArguments } from '../services/model-words.js';
import { PLANNER_SYSTEM, toPlannerFunctions } from '../services/planner-functions.js';
import type { ToolPlanner } from '../services/tool-planner.js';
import { agentFailure } from './agent-failure.js';
import { type AgentServiceOptions, agentService } from './agent-service.js';

/**
 * A model of the AI SDK: the `LanguageModel` objects that its providers make, of the specifications v2 to v4. Its methods
 * are called as they are, so the package `ai` is not needed.
 */
export interface LanguageModelLike {
  readonly modelId: string;
  doGenerate(options: ModelCall): PromiseLike<{ readonly content: readonly ContentPart[] }>;
  doStream(options: ModelCall): PromiseLike<{ readonly stream: ReadableStream<StreamPart> }>;
}

/** Options of {@link fromLanguageModel}. */
export interface LanguageModelOptions extends AgentServiceOptions {
  /** System message before every task. */
  readonly system?: string;
  /** 0 to 2. Default: the model's. */
  readonly temperature?: number;
  /** Largest answer, in characters; beyond it the task fails with `RESULT_TOO_LARGE`. Default 4,000,000. */
  readonly maxCharacters?: number;
}

interface ModelCall {
  prompt: PromptMessage[];
  abortSignal: AbortSignal;
  temperature?: number;
  maxOutputTokens?: number;
  responseFormat?: { type: 'json'; schema: object };
  tools?: { type: 'function'; name: string; description: string; inputSchema: object }[];
  toolChoice?: { type: 'auto' };
}

type PromptMessage =
  | { role: 'system'; content: string }
  | { role: 'user' | 'assistant'; content: { type: 'text'; text: string }[] };

interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly toolName?: string;
  readonly input?: unknown;
}

interface StreamPart {
  readonly type: string;
  readonly delta?: unknown;
  readonly error?: unknown;
  readonly finishReason?: unknown;
  readonly usage?: unknown;
}

const kwargsSchema = z.looseObject({
  system: z.string().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.number().int().positive().optional(),
  messages: z
    .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .optional(),
});

const MOST_CHARACTERS = 4_000_000;

/**
 * A model of the AI SDK as a service for conversation, which answers `{ text, model, finishReason, usage }`. kwargs as
 * those of `createOpenAIService()`: `system`, `temperature`, `maxTokens`, `messages`; all others are shown to the model.
 *
 * @throws TypeError for an unknown option, and for a name of a model where the model itself is wanted.
 * @example createOrchestrator({ services: { chat: fromLanguageModel(openai('gpt-5')) } })
 */
export function fromLanguageModel(
  model: LanguageModelLike,
  { system, temperature, maxCharacters = MOST_CHARACTERS, ...options }: LanguageModelOptions = {},
): Service {
  requireModel(model);
  const said = {
    description: `Conversation and writing with the language model ${model.modelId}.`,
    capabilities: ['conversation', 'writing', 'explanation', 'summaries'],
    idempotent: true,
    ...options,
  };
  return agentService(`Model "${model.modelId}"`, said, async ({ task, context, signal }) => {
    const parsed = kwargsSchema.safeParse(context.kwargs);
    if (!parsed.success) {
      const message = `The kwargs of the chat are not valid:\n${z.prettifyError(parsed.error)}`;
      throw new OrchestratorError('INVALID_INPUT', message, { reason: 'kwargs' });
    }
    const { messages = [], maxTokens, ...rest } = parsed.data;
    const { system: ownSystem = system, temperature: ownTemperature = temperature, ...others } = rest;
    const { stream } = await model.doStream({
      prompt: [
        ...(ownSystem === undefined ? [] : [toMessage('system', ownSystem)]),
        ...messages.map(({ role, content }) => toMessage(role, content)),
        toMessage('user', withArguments(task, others)),
      ],
      abortSignal: signal,
      ...(ownTemperature !== undefined && { temperature: ownTemperature }),
      ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    });
    const answer = await collect(stream, {
      signal,
      maxCharacters,
      name: model.modelId,
      onText: reportLength(context.progress, Date.now),
    });
    return { text: answer.text, model: model.modelId, ...answer.end };
  });
}

/**
 * A planner for `mcpService()`: one turn of a model of the AI SDK that turns the words of a task into a tool call.
 *
 * @throws TypeError for a name of a model where the model itself is wanted.
 * @example mcpService({ name: 'files', transport, planner: languageModelPlanner(openai('gpt-5')) })
 */
export function languageModelPlanner(model: LanguageModelLike): ToolPlanner {
  requireModel(model);
  return async (task, tools, signal) => {
    const functions = toPlannerFunctions(tools);
    const content = await generate(model, {
      prompt: [toMessage('system', PLANNER_SYSTEM), toMessage('user', task)],
      abortSignal: signal,
      temperature: 0,
      tools: functions.map(({ name, description, parameters }) => ({
        type: 'function',
        name,
        description,
        inputSchema: parameters,
      })),
      toolChoice: { type: 'auto' },
    });
    const proposed = content.find(({ type }) => type === 'tool-call');
    const chosen = tools[functions.findIndex(({ name }) => name === proposed?.toolName)];
    const args = argumentsOf(proposed?.input);
    return chosen === undefined || args === null ? null : { tool: chosen.name, arguments: args };
  };
}

/**
 * Asks a model of the AI SDK for JSON, as `LlmStrategy` needs it.
 *
 * @throws TypeError for a name of a model where the model itself is wanted.
 * @example new LlmStrategy({ ask: languageModelAsk(openai('gpt-5-mini')) })
 */
export function languageModelAsk(model: LanguageModelLike): AskModel {
  requireModel(model);
  return async ({ instructions, text, schema }, signal) => {
    const content = await generate(model, {
      prompt: [toMessage('system', instructions), toMessage('user', text)],
      abortSignal: signal,
      temperature: 0,
      responseFormat: { type: 'json', schema },
    });
    return content.map((part) => (part.type === 'text' ? (part.text ?? '') : '')).join('');
  };
}

async function generate(model: LanguageModelLike, call: ModelCall): Promise<readonly ContentPart[]> {
  call.abortSignal.throwIfAborted();
  try {
    return (await model.doGenerate(call)).content;
  } catch (cause) {
    if (call.abortSignal.aborted) throw call.abortSignal.reason;
    throw agentFailure(`Model "${model.modelId}"`, cause, true);
  }
}

interface Collected {
  readonly text: string;
  readonly end: { readonly finishReason: string | null; readonly usage: ReturnType<typeof usageOf> };
}

interface CollectOptions {
  readonly signal: AbortSignal;
  readonly maxCharacters: number;
  readonly name: string;
  readonly onText: (text: string) => void;
}

async function collect(stream: ReadableStream<StreamPart>, options: CollectOptions): Promise<Collected> {
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

function toMessage(role: 'system' | 'user' | 'assistant', text: string): PromptMessage {
  return role === 'system' ? { role, content: text } : { role, content: [{ type: 'text', text }] };
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

/** A model that writes broken arguments has proposed nothing. */
function argumentsOf(input: unknown): Readonly<Record<string, unknown>> | null {
  let args = input;
  try {
    if (typeof args === 'string') args = args.trim() === '' ? {} : JSON.parse(args);
  } catch {
    return null;
  }
  return typeof args === 'object' && args !== null && !Array.isArray(args)
    ? (args as Readonly<Record<string, unknown>>)
    : null;
}

/** The AI SDK takes a name for a model of its gateway too; that needs the SDK itself. */
function requireModel(model: LanguageModelLike): void {
  const given: unknown = model;
  if (typeof given === 'object' && given !== null && 'doGenerate' in given && 'doStream' in given) return;
  throw misuse(
    `A language model is an object with doGenerate() and doStream(), as a provider's function makes it; got ${typeof given === 'string' ? `the name "${given}"` : typeof given}.`,
  );
}
