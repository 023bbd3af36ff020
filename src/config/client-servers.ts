/** Blocks that people have already: `mcpServers` of Claude, Cursor and others, and `servers` of VS Code. */

import * as z from 'zod';
import { lazySchema } from '../core/lazy-schema.js';
import { addressSchema, childSchema } from './child-fields.js';
import { commonSchema } from './common-fields.js';
import type { SpecOf } from './kind-schemas.js';
import { toolSchema } from './tool-fields.js';

/** Any further field is some client's own and means nothing here. */
const knownSchema = lazySchema(() =>
  z.looseObject({
    ...commonSchema.shape,
    ...childSchema.shape,
    command: childSchema.shape.command.optional(),
    ...addressSchema.shape,
    url: addressSchema.shape.url.optional(),
    ...toolSchema.shape,
    // Some clients write the list of tools that may be called.
    tools: z.union([toolSchema.shape.tools, z.array(z.string())]),
    type: z.enum(['stdio', 'http', 'streamable-http', 'streamableHttp', 'sse']).optional(),
    disabled: z.boolean().optional(),
    envFile: z.string().min(1).optional().describe('File of NAME=value lines, below `env` in rank.'),
  }),
);

/** One server as a client's configuration has it. */
export const clientServerSchema = lazySchema(() =>
  knownSchema.schema.superRefine((server, context) => {
    const { command, url, type } = server;
    if ((command === undefined) === (url === undefined)) {
      const message = 'give either a command to start or a url to reach';
      context.addIssue({ code: 'custom', path: ['command'], message });
    } else if (type === 'sse') {
      const message =
        'servers of type "sse" are not supported: that transport was replaced; use the address of its streamable HTTP endpoint and "type": "http"';
      context.addIssue({ code: 'custom', path: ['type'], message });
    }
  }),
);

/** One server of a client's configuration, checked. */
export type ClientServer = z.output<typeof clientServerSchema>;

/** The same server as a service of the kind `mcp`. */
export function specOfClientServer(server: ClientServer): SpecOf<'mcp'> {
  const { type: _type, disabled: _disabled, envFile: _envFile, ...rest } = server;
  const fields = Object.entries(rest).filter(([name]) => Object.hasOwn(knownSchema.shape, name));
  const { headers, args, env, inheritEnv, cwd, tools, ...others } = Object.fromEntries(fields) as typeof rest;
  // Of the fields for the other way to reach a server, clients keep empty ones.
  const way = server.url === undefined ? { args, env, inheritEnv, cwd } : { headers };
  const policy = Array.isArray(tools) ? { allow: tools } : tools;
  const given = Object.entries({ ...others, ...way, tools: policy }).filter(
    ([, value]) => value !== undefined,
  );
  return { kind: 'mcp', ...Object.fromEntries(given) };
}
