import * as z from 'zod';
import { parseOrMisuse } from '../../core/config.js';
import { OrchestratorError } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';
import type { Service, ServiceContext } from '../../core/service.js';
import { askModel, baseURLSchema, modelOptionsSchema, toModelServer } from '../openai.js';
import { type ChatAnswer, listModels } from '../openai-client.js';
import { chooseModel, LOCAL_ADDRESSES, type LocalModel, LocalModels, noModel } from './chat-models.js';

/** Options of the built-in service `chat`; with none of them it looks for a model server on this machine. */
export const chatOptionsSchema = lazySchema(() =>
  z
    .strictObject({
      baseURL: baseURLSchema.schema
        .optional()
        .describe('An OpenAI-compatible server; nothing is probed then.'),
      model: z.string().min(1).optional().describe('Default: the first model of the server.'),
      probe: z
        .array(
          baseURLSchema.schema.refine(
            isLoopback,
            'only addresses of this machine are probed; set baseURL for others',
          ),
        )
        .min(1)
        .max(16)
        .default([...LOCAL_ADDRESSES])
        .describe('Addresses, without /v1, that are asked for models when no baseURL is set.'),
      ...modelOptionsSchema.shape,
    })
    .refine(
      ({ baseURL, apiKey, headers }) =>
        baseURL !== undefined || (apiKey === undefined && headers === undefined),
      {
        path: ['baseURL'],
        error: 'apiKey and headers need a baseURL: a key is not sent to whatever is found',
      },
    ),
);

function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

export type ChatOptions = z.input<typeof chatOptionsSchema>;

/**
 * The built-in service for conversation and writing, over any OpenAI-compatible server. Without a `baseURL` it uses
 * the first model found at the loopback addresses of Ollama, LM Studio and llama.cpp, and answers `NO_MODEL` when there
 * is none. It reads no environment: a key is used only when the options name it.
 *
 * @throws TypeError naming an unknown or wrong option.
 */
export function createChatService(options: ChatOptions = {}): Service {
  const parsed = parseOrMisuse(chatOptionsSchema, options, 'The options of "chat"');
  const locate =
    parsed.baseURL === undefined ? locateLocal(parsed) : locateConfigured(parsed.baseURL, parsed);
  return {
    description:
      'Conversation with a language model: explains, summarises, discusses, writes and translates; answers open questions.',
    capabilities: ['conversation', 'explanation', 'summaries', 'writing', 'translation', 'brainstorming'],
    examples: [
      'Explain how async works',
      'Generate a summary of this text',
      'Discuss the pros and cons of remote work',
      'Write a friendly email to a customer',
      'Translate this sentence into French',
      'Tell me a story about a dragon',
      'Give me ideas for a birthday present',
      'I have a question about my career',
    ],
    idempotent: true,
    execute: (task, context) => execute(task, context, locate, parsed),
  };
}

type Options = z.output<typeof chatOptionsSchema>;
interface Locator {
  find(signal: AbortSignal): Promise<LocalModel>;
  forget(): void;
}

async function execute(
  task: string,
  context: ServiceContext,
  locator: Locator,
  options: Options,
): Promise<ChatAnswer> {
  const { server, model } = await locator.find(context.signal);
  try {
    const { system, temperature } = options;
    return await askModel(server, { model, system, temperature }, task, context);
  } catch (error) {
    // The next attempt looks again.
    if (error instanceof OrchestratorError && error.retryable) locator.forget();
    throw error;
  }
}

function locateLocal(options: Options): Locator {
  const servers = options.probe.map((address) => toModelServer(`${address.replace(/\/+$/, '')}/v1`, options));
  return new LocalModels(servers, options.model, options.now ?? Date.now);
}

/** A configured server is asked for its models once, and only when the configuration names none. */
function locateConfigured(baseURL: string, options: Options): Locator {
  const server = toModelServer(baseURL, options);
  let { model } = options;
  return {
    async find(signal) {
      model ??= chooseModel(await listModels(server, signal), undefined);
      if (model === undefined) throw noModel([server], undefined);
      return { server, model };
    },
    forget() {
      model = options.model;
    },
  };
}
