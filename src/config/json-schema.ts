import * as z from 'zod';
import { configFileSchema } from './schema.js';

/** The JSON Schema of the configuration file, for editors; published as `gaffr.schema.json`. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configFileSchema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => loosen(jsonSchema),
  });
  return {
    $schema: schema.$schema,
    title: 'gaffr.config.json',
    description: 'Services, limits and routing of gaffr.',
    ...schema,
  };
}

/** What an editor must not complain about, or cannot know. */
function loosen(schema: z.core.JSONSchema.BaseSchema): void {
  // `${env:NAME}` may stand in any text.
  delete schema.format;
  delete schema.pattern;
  // Zod's bound of whole numbers is the machine's, not a rule.
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // Limits may be Infinity in code; JSON has no such number.
  if (schema.anyOf?.some(isInfinity)) {
    const [only, ...others] = schema.anyOf.filter((branch) => !isInfinity(branch));
    delete schema.anyOf;
    if (others.length > 0) schema.anyOf = [only as z.core.JSONSchema.BaseSchema, ...others];
    else Object.assign(schema, only, { description: schema.description });
  }
}

function isInfinity(schema: z.core.JSONSchema.BaseSchema): boolean {
  return schema.const === Number.POSITIVE_INFINITY || schema.const === null;
}
