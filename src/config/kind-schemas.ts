/** The kinds of services that a configuration file may hold, and the options of each. */

import * as z from 'zod';
import { chatOptionsSchema } from '../services/builtin/chat.js';
import { reasoningOptionsSchema } from '../services/builtin/reasoning.js';
import { responsesOptionsSchema } from '../services/builtin/responses.js';
import { visionOptionsSchema } from '../services/builtin/vision.js';
import { moduleOptionsSchema } from '../services/module.js';
import { openaiOptionsSchema } from '../services/openai.js';
import { addressSchema, childSchema, resultLimit } from './child-fields.js';
import { commonSchema } from './common-fields.js';
import { toolSchema } from './tool-fields.js';

const text = z.string().min(1);

/** Options of the built-in services, as JSON can say them. */
export const builtinShapes = {
  vision: { ...commonSchema.shape, ...asJson(visionOptionsSchema.shape) },
  responses: { ...commonSchema.shape, ...asJson(responsesOptionsSchema.shape) },
  reasoning: { ...commonSchema.shape, ...asJson(reasoningOptionsSchema.shape) },
  chat: { ...commonSchema.shape, ...asJson(chatOptionsSchema.shape) },
};

/** A further built-in service under a name of its own. */
const builtinSchema = z.discriminatedUnion('name', [
  z.strictObject({ kind: z.literal('builtin'), name: z.literal('vision'), ...builtinShapes.vision }),
  z.strictObject({ kind: z.literal('builtin'), name: z.literal('responses'), ...builtinShapes.responses }),
  z.strictObject({ kind: z.literal('builtin'), name: z.literal('reasoning'), ...builtinShapes.reasoning }),
  z.strictObject({ kind: z.literal('builtin'), name: z.literal('chat'), ...builtinShapes.chat }),
]);

/** JavaScript of one's own. */
const moduleSchema = z.strictObject({
  kind: z.literal('module'),
  ...commonSchema.shape,
  ...asJson(moduleOptionsSchema.shape),
  module: text.describe('Path of a JavaScript module, from the folder of this file.'),
});

/** A model behind an OpenAI-compatible server. */
const openaiSchema = z.strictObject({
  kind: z.literal('openai'),
  ...commonSchema.shape,
  ...asJson(openaiOptionsSchema.shape),
});

/** A server of the Model Context Protocol: started as a child, or reached over HTTP. */
const mcpSchema = z
  .strictObject({
    kind: z.literal('mcp'),
    ...commonSchema.shape,
    ...childSchema.shape,
    command: childSchema.shape.command.optional(),
    ...addressSchema.shape,
    url: addressSchema.shape.url.optional(),
    ...toolSchema.shape,
  })
  .superRefine(({ command, url, args, env, inheritEnv, cwd, headers }, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((command === undefined) === (url === undefined)) {
      refuse('command', 'give either a command to start or a url to reach');
    } else if (url !== undefined) {
      for (const [name, field] of Object.entries({ args, env, inheritEnv, cwd })) {
        if (field !== undefined) refuse(name, 'has no effect beside url');
      }
    } else if (headers !== undefined) refuse('headers', 'have no effect beside command');
  });

/** A program that does the work. */
const subprocessSchema = z.strictObject({
  kind: z.literal('subprocess'),
  ...commonSchema.shape,
  ...childSchema.shape,
  mode: z
    .enum(['one-shot', 'json-lines'])
    .optional()
    .describe('Started for each task, or kept and told tasks as JSON lines. Default: one-shot.'),
  stdin: z
    .enum(['task', 'json', 'none'])
    .optional()
    .describe('What a one-shot program reads: the text of the task, { task, kwargs }, or nothing.'),
  output: z.enum(['text', 'json']).optional().describe('What a one-shot program writes. Default: text.'),
  maxOutputBytes: resultLimit(),
});

/** A server that takes tasks as POST requests. */
const httpSchema = z.strictObject({
  kind: z.literal('http'),
  ...commonSchema.shape,
  ...addressSchema.shape,
  idempotencyKey: z
    .boolean()
    .optional()
    .describe('Whether an idempotency-key header is sent, the same for all attempts. Default: true.'),
  maxResultBytes: resultLimit(),
});

/** A service of the configuration: `kind` says what it is. */
export const serviceSchema = z.discriminatedUnion('kind', [
  builtinSchema,
  moduleSchema,
  openaiSchema,
  mcpSchema,
  subprocessSchema,
  httpSchema,
]);

/** One service of the configuration, checked. */
export type ServiceSpec = z.output<typeof serviceSchema>;

/** One service of the configuration of a certain kind. */
export type SpecOf<K extends ServiceSpec['kind']> = Extract<ServiceSpec, { readonly kind: K }>;

/** Options that only code can give. */
type CodeOnly = 'fetch' | 'now';

type AsJson<S extends z.ZodRawShape> = {
  [Name in keyof Omit<S, CodeOnly>]: S[Name] extends z.ZodDefault<infer Inner>
    ? z.ZodOptional<Inner>
    : S[Name];
};

/**
 * A service's options as a file can give them. Defaults are told and not filled in: the service has them, and what the
 * file does not say must stay unsaid.
 */
export function asJson<S extends z.ZodRawShape>(shape: S): AsJson<S> {
  const entries = Object.entries(shape)
    .filter(([name]) => name !== 'fetch' && name !== 'now')
    .map(([name, field]) => [name, field instanceof z.ZodDefault ? withoutDefault(field) : field]);
  return Object.fromEntries(entries);
}

function withoutDefault(field: z.ZodDefault): z.ZodType {
  return z.optional(field.unwrap()).meta({ ...field.meta(), default: field.def.defaultValue });
}
