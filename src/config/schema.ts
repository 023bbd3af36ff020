/** The whole configuration file. This schema is the only declaration; the published JSON Schema is made from it. */

import * as z from 'zod';
import { routingConfigSchema, taskConfigSchema } from '../core/config.js';
import { engineSchema } from '../core/engine-config.js';
import { clientServerSchema } from './client-servers.js';
import { builtinShapes, serviceSchema } from './kind-schemas.js';
import { routersSchema } from './router-schema.js';

const serviceName = z.string().min(1).max(100);

function onOrOptions<S extends z.ZodRawShape>(shape: S) {
  return z.union([z.boolean(), z.strictObject(shape)]).optional();
}

const builtinsSchema = z.strictObject({
  roots: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Folders whose files vision and responses may read. Default: the working folder.'),
  allowPrivateHosts: z
    .array(z.string().min(1))
    .optional()
    .describe('Hosts, or host:port, inside this machine or network whose pages responses may read.'),
  vision: onOrOptions(builtinShapes.vision).describe('Reads files and pictures; false switches it off.'),
  responses: onOrOptions(builtinShapes.responses).describe(
    'Reads pages, searches files and the web; false switches it off.',
  ),
  reasoning: onOrOptions(builtinShapes.reasoning).describe('Computes and proves; false switches it off.'),
  chat: onOrOptions(builtinShapes.chat).describe('Talks, over a model server; false switches it off.'),
});

const clientServersSchema = z.record(serviceName, clientServerSchema.schema);

/** What `gaffr.config.json` may hold. */
export const configFileSchema = z.strictObject({
  $schema: z.string().optional().describe('Address of the JSON Schema, for editors.'),
  taskConfig: taskConfigSchema.schema.optional().describe('Limits, time limits, retries and circuits.'),
  routingConfig: routingConfigSchema.schema.optional().describe('How a task finds its service.'),
  routers: routersSchema.optional().describe('Models that help where keywords and capabilities are unsure.'),
  engine: engineSchema.schema
    .optional()
    .describe(
      'Where accepted tasks are kept: in the process (local, the default), or in a file that survives it.',
    ),
  builtins: builtinsSchema.optional().describe('The four built-in services; all are on unless switched off.'),
  services: z
    .record(serviceName, serviceSchema)
    .optional()
    .describe('Services by name. One with the name of a built-in service takes its place.'),
  mcpServers: clientServersSchema.optional().describe('MCP servers as Claude, Cursor and others write them.'),
  servers: clientServersSchema.optional().describe('MCP servers as VS Code writes them.'),
  inputs: z
    .array(z.looseObject({ id: z.string() }))
    .optional()
    .describe(
      "VS Code's questions to its user. Here the variable of the same name answers, in capitals: github-token is GITHUB_TOKEN.",
    ),
});

/** A configuration file, checked and with defaults. */
export type ConfigFile = z.output<typeof configFileSchema>;
