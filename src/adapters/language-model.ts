import * as z from 'zod';
import { misuse, OrchestratorError } from '../core/errors.js';
import type { AskModel } from '../core/model-ports.js';
import type { Service } from '../core/service.js';
import { reportLength, withArguments } from '../services/model-words.js';
import { PLANNER_SYSTEM, toPlannerFunctions } from '../services/planner-functions.js';
import type { ToolPlanner } from '../services/tool-planner.js';
import { type AgentServiceOptions, agentService } from './agent-service.js';
import { collect, generate, type LanguageModelLike, toMessage } from './language-model-call.js';

/** Options of {@link fromLanguageModel}. */
export interface LanguageModelOptions extends AgentServiceOptions {
  /** System message before every task. */
  readonly system?: string;
  /** 0 to 2. Default: the model's. */
  readonly temperature?: number;
  /** Largest answer, in characters; beyond it the task fails with `RESULT_TOO_LARGE`. Default 4,000,000. */
  readonly maxCharacters?: number;
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
