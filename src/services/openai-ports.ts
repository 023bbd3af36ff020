import * as z from 'zod';
import { parseOrMisuse } from '../core/config.js';
import { lazySchema } from '../core/lazy-schema.js';
import type { AskModel, EmbedTexts } from '../core/model-ports.js';
import { baseURLSchema, modelOptionsSchema, toModelServer } from './openai.js';
import { streamChat } from './openai-client.js';
import { embed } from './openai-embeddings.js';

/** Options of {@link openaiAsk}: where the server is and which of its models is asked. */
export const askOptionsSchema = lazySchema(() =>
  z
    .strictObject({
      baseURL: baseURLSchema.schema.describe(
        'With the version: https://api.openai.com/v1, http://127.0.0.1:11434/v1.',
      ),
      model: z.string().min(1).describe('Name of the model, as the server knows it.'),
      ...modelOptionsSchema.shape,
      temperature: z
        .number()
        .min(0)
        .max(2)
        .nullable()
        .default(0)
        .describe("null: the server's, for models that take no other."),
      maxResultBytes: modelOptionsSchema.shape.maxResultBytes.default(64 * 1024),
    })
    .omit({ system: true }),
);

/** Options of {@link openaiEmbed}. */
export const embedOptionsSchema = lazySchema(() =>
  askOptionsSchema.schema.omit({ temperature: true }).extend({
    maxResultBytes: modelOptionsSchema.shape.maxResultBytes,
  }),
);

export type OpenAIAskOptions = z.input<typeof askOptionsSchema>;
export type OpenAIEmbedOptions = z.input<typeof embedOptionsSchema>;

/**
 * Asks a model of an OpenAI-compatible server (`/chat/completions` with a JSON schema), as `LlmStrategy` needs it.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example new LlmStrategy({ ask: openaiAsk({ baseURL: 'http://127.0.0.1:11434/v1', model: 'llama3.2' }) })
 */
export function openaiAsk(options: OpenAIAskOptions): AskModel {
  const parsed = parseOrMisuse(askOptionsSchema, options, 'The options of openaiAsk()');
  const { baseURL, model, temperature, ...rest } = parsed;
  const server = toModelServer(baseURL, rest);
  return async ({ instructions, text, schema }, signal) => {
    const request = {
      model,
      messages: [
        { role: 'system', content: instructions },
        { role: 'user', content: text },
      ],
      temperature: temperature ?? undefined,
      schema,
    } as const;
    return (await streamChat(server, request, signal)).text;
  };
}

/**
 * Turns texts into vectors by a model of an OpenAI-compatible server (`/embeddings`), as `EmbeddingStrategy` needs it.
 *
 * @throws TypeError naming an unknown or wrong option.
 * @example new EmbeddingStrategy({ embed: openaiEmbed({ baseURL: 'http://127.0.0.1:11434/v1', model: 'nomic-embed-text' }) })
 */
export function openaiEmbed(options: OpenAIEmbedOptions): EmbedTexts {
  const parsed = parseOrMisuse(embedOptionsSchema, options, 'The options of openaiEmbed()');
  const { model } = parsed;
  const server = toModelServer(parsed.baseURL, parsed);
  return (input, signal) => embed(server, { model, input }, signal);
}
