/**
 * Writes gaffr.schema.json, the JSON Schema of the configuration file, from the schema in src.
 *
 * As a command, after a build: `npm run schema`.
 */
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../src/config/json-schema.ts';

writeFileSync(
  new URL('../gaffr.schema.json', import.meta.url),
  `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
);
