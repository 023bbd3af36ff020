import { misuse } from '../core/errors.js';
import type { EmbedTexts } from '../core/model-ports.js';
import { agentFailure } from './agent-failure.js';

/** An `EmbeddingModel` object that the AI SDK's providers make, of the specifications v2 to v4. */
export interface EmbeddingModelLike {
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  doEmbed(options: {
    values: string[];
    abortSignal: AbortSignal;
  }): PromiseLike<{ readonly embeddings: readonly (readonly number[])[] }>;
}

/**
 * Turns texts into vectors by an embedding model of the AI SDK, as `EmbeddingStrategy` needs it. More texts than the model
 * takes at once go in several calls, one after another.
 *
 * @throws TypeError for a name of a model where the model itself is wanted.
 * @example new EmbeddingStrategy({ embed: embeddingModelEmbed(openai.embedding('text-embedding-3-small')) })
 */
export function embeddingModelEmbed(model: EmbeddingModelLike): EmbedTexts {
  const given: unknown = model;
  if (typeof given !== 'object' || given === null || !('doEmbed' in given)) {
    throw misuse(
      `An embedding model is an object with doEmbed(), as a provider's function makes it; got ${typeof given}.`,
    );
  }
  return async (texts, signal) => {
    signal.throwIfAborted();
    try {
      const most = Math.max(1, (await model.maxEmbeddingsPerCall) ?? texts.length);
      const vectors: Float32Array[] = [];
      for (let from = 0; from < texts.length; from += most) {
        const values = texts.slice(from, from + most);
        const { embeddings } = await model.doEmbed({ values, abortSignal: signal });
        vectors.push(...embeddings.map((numbers) => Float32Array.from(numbers)));
      }
      return vectors;
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw agentFailure(`Model "${model.modelId}"`, cause, true);
    }
  };
}
