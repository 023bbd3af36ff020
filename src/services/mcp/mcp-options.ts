import * as z from 'zod';
import type { Clock } from '../../core/environment.js';
import { lazySchema } from '../../core/lazy-schema.js';
import { listOf } from '../../core/list-schema.js';
import type { ToolPlanner } from '../tool-planner.js';
import type { ToolLock } from './tool-lock.js';

const headerValue = () => z.string().regex(/^[\x20-\x7e]*$/, 'expected printable ASCII');
const seconds = () => z.number().positive();
const patterns = () => listOf(z.string().min(1));
const functionOf = <T>(): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'function', 'expected a function');

/** Where a downstream server is. */
const mcpTransportSchema = lazySchema(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('stdio'),
      command: z.string().min(1).describe('Program to start; never a shell line.'),
      args: listOf(z.string()).default([]).describe('Its arguments, each as it stands.'),
      env: z
        .record(z.string(), z.string())
        .default({})
        .describe(`Variables of its own; \${env:NAME} in a value stands for one of ours.`),
      inheritEnv: listOf(z.string())
        .optional()
        .describe('Variables that it gets from us. Default: PATH, HOME, LANG, TMPDIR.'),
      cwd: z.string().min(1).optional().describe('Its working directory. Default: ours.'),
    }),
    z.strictObject({
      kind: z.literal('http'),
      url: z.url({ protocol: /^https?$/ }).describe('Address of its MCP endpoint.'),
      headers: z
        .record(z.string(), headerValue())
        .default({})
        .describe(`Sent with each request; \${env:NAME} in a value stands for one of our variables.`),
    }),
  ]),
);

/** Options of a service over a downstream MCP server. */
export const mcpOptionsSchema = lazySchema(() =>
  z.strictObject({
    name: z.string().min(1).describe('What messages and the lock of approved tools call the server.'),
    transport: mcpTransportSchema.schema,
    tools: z
      .strictObject({
        allow: patterns().optional().describe('Only these tools are offered; * stands for any characters.'),
        deny: patterns().optional().describe('These tools are never offered.'),
        readOnly: patterns().optional().describe('These change nothing, whatever the server says.'),
        idempotent: patterns().optional().describe('Calling these twice does no harm.'),
      })
      .default({}),
    trustAnnotations: z
      .boolean()
      .default(true)
      .describe("Whether the server's own readOnlyHint and idempotentHint are believed."),
    defaultTool: z.string().min(1).optional().describe('Gets the task as its one required text.'),
    rules: listOf(
      z.strictObject({
        match: z.string().min(1).describe('A linear-time (RE2) expression.'),
        tool: z.string().min(1),
        arguments: z.record(z.string(), z.unknown()).optional().describe(`$1 and \${name} are groups of it.`),
      }),
    )
      .default([])
      .describe('Turn the words of a task into a call; the first that matches counts.'),
    autoSelect: z
      .enum(['off', 'read-only', 'all'])
      .default('read-only')
      .describe('Which tools are called because of the words of a task alone.'),
    planner: functionOf<ToolPlanner>()
      .optional()
      .describe('Chooses tool and arguments when the words do not.'),
    connect: z
      .enum(['on-demand', 'at-start'])
      .default('on-demand')
      .describe('When the server is started: by the first task, or as soon as the service is registered.'),
    connectTimeoutSeconds: seconds().default(10).describe('Limit of starting it and reading its tools.'),
    pingTimeoutSeconds: seconds()
      .default(5)
      .describe('A process that gives no sign of life for so long is ended.'),
    maxResultBytes: z
      .number()
      .int()
      .min(1)
      .default(16 * 1024 * 1024)
      .describe('Largest answer of a tool, in bytes.'),
    lock: z
      .custom<ToolLock>(
        (value) => typeof value === 'object' && value !== null && 'read' in value,
        'expected a lock',
      )
      .optional()
      .describe('Where approved tools are remembered. Default: in memory.'),
    fetch: functionOf<typeof fetch>()
      .optional()
      .describe('For tests and proxies. Default: fetch without limits of time of its own.'),
    /** Default: the system's. */
    clock: z
      .custom<Clock>((value) => typeof value === 'object' && value !== null && 'now' in value)
      .optional(),
    random: functionOf<() => number>()
      .optional()
      .describe('Uniform in [0, 1), for backoff. Default: `Math.random`.'),
  }),
);
