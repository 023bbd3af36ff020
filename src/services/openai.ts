import * as z from 'zod';
import { parseOrMisuse } from '../core/config.js';
import { OrchestratorError } from '../core/errors.js';
import { lazySchema } from '../core/lazy-schema.js';
import { listOf } from '../core/list-schema.js';
import type { Service, ServiceContext } from '../core/service.js';
import { reportLength, withArguments } from './model-words.js';
import {
  type ChatAnswer,
  type ChatMessage,
  type ModelServer,
  proposeCall,
  streamChat,
} from './openai-client.js';
import { MOST_PICTURES, Pictures } from './pictures.js';
import { PLANNER_SYSTEM, toPlannerFunctions } from './planner-functions.js';
import { RunningAttempts } from './running-attempts.js';
import type { ToolPlanner } from './tool-planner.js';

const headerValue = () => z.string().regex(/^[\x20-\x7e]*$/, 'expected printable ASCII');

/** Address of an OpenAI-compatible server; secrets in it are refused, because addresses are shown. */
export const baseURLSchema = lazySchema(() =>
  z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/^[^/]*\/\/[^/]*@/.test(url), 'put credentials into apiKey, not into the address'),
);

const fetchOption = () =>
  z.custom<typeof fetch>((value) => typeof value === 'function', 'expected a function').optional();
const clockOption = () =>
  z.custom<() => number>((value) => typeof value === 'function', 'expected a function').optional();

/** Fields that every service over a model server has. */
export const modelOptionsSchema = lazySchema(() =>
  z.strictObject({
    apiKey: headerValue().min(1).optional().describe('Sent as bearer token.'),
    system: z.string().min(1).optional().describe('System message before every task.'),
    temperature: z.number().min(0).max(2).optional().describe("Default: the server's."),
    headers: z.record(z.string(), headerValue()).optional().describe('Further headers of every request.'),
    maxResultBytes: z
      .number()
      .int()
      .positive()
      .default(16 * 1024 * 1024)
      .describe('Largest answer, in bytes.'),
    fetch: fetchOption().describe('For tests and proxies. Default: the global fetch.'),
    now: clockOption().describe('Epoch milliseconds. Default: `Date.now`.'),
  }),
);

/** Options of a service of type `openai`. */
export const openaiOptionsSchema = lazySchema(() =>
  z.strictObject({
    baseURL: baseURLSchema.schema.describe(
      'With the version: https://api.openai.com/v1, http://127.0.0.1:11434/v1.',
    ),
    model: z.string().min(1).describe('Name of the model, as the server knows it.'),
    roots: listOf(z.string().min(1))
      .optional()
      .describe('Folders from which the pictures that kwargs.images names are read. Default: none.'),
    ...modelOptionsSchema.shape,
  }),
);

export type OpenAIOptions = z.input<typeof openaiOptionsSchema>;

/** Roots of a service that was given none: no file is read. */
const NO_ROOTS: readonly string[] = [];

/**
 * A service that hands the task to one model of an OpenAI-compatible server and answers `{ text, model, finishReason,
 * usage }`. kwargs: `system`, `model`, `temperature`, `maxTokens`, `messages` (earlier turns), `images` (`data:` addresses,
 * or files inside `roots`); all others are shown to the model beside the task.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example createOpenAIService({ baseURL: 'http://127.0.0.1:11434/v1', model: 'llama3.2' })
 */
export function createOpenAIService(options: OpenAIOptions): Service {
  const parsed = parseOrMisuse(openaiOptionsSchema, options, 'The options of "openai"');
  const server = toModelServer(parsed.baseURL, parsed);
  const pictures = new Pictures(parsed.roots ?? NO_ROOTS);
  const running = new RunningAttempts();
  return {
    description: `Conversation and writing with the language model ${parsed.model}.`,
    capabilities: ['conversation', 'writing', 'explanation', 'summaries'],
    idempotent: true,
    execute: (task, context) =>
      running.run(context.signal, (signal) =>
        askModel(server, { ...parsed, pictures }, task, {
          kwargs: context.kwargs,
          progress: context.progress,
          signal,
        }),
      ),
    close: () => running.close(),
  };
}

/**
 * A planner for `mcpService()`: one turn of a model that turns the words of a task into a tool and its arguments.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example mcpService({ name: 'files', transport, planner: createToolPlanner({ baseURL, model: 'llama3.2' }) })
 */
export function createToolPlanner(options: OpenAIOptions): ToolPlanner {
  const parsed = parseOrMisuse(openaiOptionsSchema, options, 'The options of the planner');
  const server = toModelServer(parsed.baseURL, parsed);
  const { model, system = PLANNER_SYSTEM, temperature = 0 } = parsed;
  return async (task, tools, signal) => {
    const functions = toPlannerFunctions(tools);
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: task },
    ];
    const proposed = await proposeCall(server, { model, messages, temperature, tools: functions }, signal);
    const chosen = tools[functions.findIndex(({ name }) => name === proposed?.name)];
    return proposed === null || chosen === undefined
      ? null
      : { tool: chosen.name, arguments: proposed.arguments };
  };
}

/** The part of the options that says how to call a server. */
export function toModelServer(
  baseURL: string,
  options: Pick<z.output<typeof openaiOptionsSchema>, keyof z.output<typeof modelOptionsSchema>>,
): ModelServer {
  return {
    baseURL,
    apiKey: options.apiKey,
    headers: options.headers,
    fetch: options.fetch ?? fetch,
    now: options.now ?? Date.now,
    maxResultBytes: options.maxResultBytes,
  };
}

const kwargsSchema = lazySchema(() =>
  z.looseObject({
    system: z.string().min(1).optional(),
    model: z.string().min(1).optional(),
    temperature: z.number().min(0).max(2).optional(),
    maxTokens: z.number().int().positive().optional(),
    images: z.array(z.string().min(1)).max(MOST_PICTURES).optional(),
    messages: z
      .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
      .optional(),
  }),
);

/** What a service knows of its model beside the server; the caller's kwargs go before. */
export interface ModelDefaults {
  readonly model: string;
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  /** Where pictures are read; without, kwargs with pictures are refused. */
  readonly pictures?: Pictures | undefined;
}

/**
 * Asks a model one task, with progress at most four times a second.
 *
 * @throws OrchestratorError as `streamChat` does, and `INVALID_INPUT` for wrong kwargs.
 */
export async function askModel(
  server: ModelServer,
  defaults: ModelDefaults,
  task: string,
  context: Pick<ServiceContext, 'kwargs' | 'signal' | 'progress'>,
): Promise<ChatAnswer> {
  const parsed = kwargsSchema.safeParse(context.kwargs);
  if (!parsed.success) {
    const message = `The kwargs of the chat are not valid:\n${z.prettifyError(parsed.error)}`;
    throw new OrchestratorError('INVALID_INPUT', message, { reason: 'kwargs' });
  }
  const { system = defaults.system, model = defaults.model, messages = [], ...rest } = parsed.data;
  const { temperature = defaults.temperature, maxTokens, images = [], ...others } = rest;
  const words = withArguments(task, others);
  const shown = await (defaults.pictures ?? new Pictures(NO_ROOTS)).read(images, context.signal);
  const pictures = shown.map((url) => ({ type: 'image_url' as const, image_url: { url } }));
  const conversation: ChatMessage[] = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    ...messages,
    { role: 'user', content: pictures.length === 0 ? words : [{ type: 'text', text: words }, ...pictures] },
  ];
  const request = { model, messages: conversation, temperature, maxTokens };
  return streamChat(server, request, context.signal, reportLength(context.progress, server.now));
}
