/** Asks a vision model, when one is configured, what a picture shows. */

import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';
import type { ServiceContext } from '../../core/service.js';
import { invalidInput } from '../input-errors.js';
import { askModel, baseURLSchema, modelOptionsSchema, toModelServer } from '../openai.js';
import { Pictures } from '../pictures.js';
import type { PictureFormat } from './vision-picture.js';

/** The model that tells what a picture shows. */
export const visionModelSchema = lazySchema(() => {
  const { apiKey, system, temperature, headers } = modelOptionsSchema.shape;
  return z.strictObject({
    baseURL: baseURLSchema.schema.describe(
      'An OpenAI-compatible server, with the version: http://127.0.0.1:11434/v1.',
    ),
    model: z.string().min(1).describe('A model that sees pictures.'),
    apiKey,
    system,
    temperature,
    headers,
  });
});
export type VisionModel = z.output<typeof visionModelSchema>;

const TYPES: Partial<Record<PictureFormat, string>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};
const MAX_RESULT_BYTES = 1024 * 1024;
/** Only `data:` addresses are handed over: the picture was read within the roots already. */
const PICTURES = new Pictures([]);

/** What the model says of the picture. @throws OrchestratorError as `askModel` does, `INVALID_INPUT` for other formats. */
export async function describePicture(
  options: VisionModel,
  {
    file,
    bytes,
    format,
  }: { readonly file: string; readonly bytes: Uint8Array; readonly format: PictureFormat },
  task: string,
  { signal, progress }: Pick<ServiceContext, 'signal' | 'progress'>,
): Promise<{ readonly description: string; readonly model: string }> {
  const type = TYPES[format];
  if (type === undefined) {
    const message = `"${file}" is a ${format.toUpperCase()} picture, which vision models do not take; convert it to PNG or JPEG.`;
    throw invalidInput('unsupported-type', message, { file, format });
  }
  const picture = `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  const server = toModelServer(options.baseURL, { ...options, maxResultBytes: MAX_RESULT_BYTES });
  const { model, system: words, temperature: heat } = options;
  const answer = await askModel(
    server,
    { model, system: words, temperature: heat, pictures: PICTURES },
    task,
    { kwargs: { images: [picture] }, signal, progress },
  );
  return { description: answer.text, model: answer.model };
}
