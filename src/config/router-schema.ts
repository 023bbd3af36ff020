import * as z from 'zod';
import { askOptionsSchema, embedOptionsSchema } from '../services/openai-ports.js';
import { asJson } from './kind-schemas.js';

const seconds = z.number().positive().max(60);

/**
 * What routes beside keywords and capabilities. Each costs more than those and is asked only where they are unsure, but
 * for what was learned, which takes microseconds and knows better than capabilities.
 */
export const routersSchema = z.strictObject({
  learned: z
    .string()
    .min(1)
    .optional()
    .describe('File that LearnedStrategy.save() wrote; asked after keywords and before capabilities.'),
  embedding: z
    .strictObject({
      ...asJson(embedOptionsSchema.shape),
      balance: z
        .number()
        .gt(-1)
        .lt(1)
        .optional()
        .describe('Similarity that means a confidence of 0.5; differs from model to model. Default 0.5.'),
      timeoutSeconds: seconds.optional().describe('Budget of one answer, in seconds. Default 3.'),
    })
    .optional()
    .describe('An embedding model, asked where keywords and capabilities are unsure.'),
  llm: z
    .strictObject({
      ...asJson(askOptionsSchema.shape),
      timeoutSeconds: seconds.optional().describe('Budget of one question, in seconds. Default 3.'),
      maxCandidates: z
        .number()
        .int()
        .min(2)
        .optional()
        .describe('Most services that the model may choose from. Default 10.'),
    })
    .optional()
    .describe('A language model, asked where all others are unsure. It sees the task and what services say.'),
});

/** Routers as a file gives them. */
export type RoutersConfig = z.output<typeof routersSchema>;
