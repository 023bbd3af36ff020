import * as z from 'zod';
import { lazySchema } from '../core/lazy-schema.js';
import { callOf, guard, type ModelServer, parseJson, readText, send } from './openai-client.js';
import { protocolFailure } from './openai-errors.js';

const embeddingsSchema = lazySchema(() =>
  z.object({
    // The numbers themselves are checked by whoever computes with them: there may be hundreds of thousands.
    data: z.array(z.object({ index: z.number(), embedding: z.custom<number[]>(Array.isArray) })),
  }),
);

/**
 * Turns texts into vectors, in the order of the texts.
 *
 * @throws As {@link streamChat} does.
 */
export async function embed(
  server: ModelServer,
  request: { readonly model: string; readonly input: readonly string[] },
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const call = callOf(server);
  return guard(call, signal, async () => {
    const response = await send(server, call, '/embeddings', signal, {
      ...request,
      encoding_format: 'float',
    });
    const text = await readText(response, server.maxResultBytes);
    const answer = embeddingsSchema.safeParse(parseJson(call, text));
    if (!answer.success) throw protocolFailure(call, 'sent no list of embeddings');
    const sorted = answer.data.data.sort((a, b) => a.index - b.index);
    return sorted.map(({ embedding }) => Float32Array.from(embedding));
  });
}
