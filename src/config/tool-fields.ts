import * as z from 'zod';
import { lazySchema } from '../core/lazy-schema.js';
import { faultOfExpression } from '../services/mcp/call-rules.js';
import { resultLimit } from './child-fields.js';

const text = () => z.string().min(1);

function checkExpression(match: string, { addIssue }: { addIssue(message: string): void }): void {
  const fault = faultOfExpression(match);
  if (fault !== null) addIssue(fault);
}

const toolRuleSchema = lazySchema(() =>
  z.strictObject({
    match: text()
      .max(1000)
      .superRefine(checkExpression)
      .describe('A linear-time (RE2) expression that the task must match.'),
    tool: text(),
    arguments: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(`Arguments of the call; $1 and \${name} are groups of the match.`),
  }),
);

const toolNames = () => z.array(text());

/** How a task becomes a call of one of the server's tools. */
export const toolSchema = lazySchema(() =>
  z.strictObject({
    tools: z
      .strictObject({
        allow: toolNames().optional().describe('Only these tools are offered; * stands for any characters.'),
        deny: toolNames().optional().describe('These tools are never offered.'),
        readOnly: toolNames().optional().describe('These change nothing, whatever the server says.'),
        idempotent: toolNames().optional().describe('Calling these twice does no harm.'),
      })
      .optional()
      .describe('Which tools may be called. Default: all.'),
    trustAnnotations: z
      .boolean()
      .optional()
      .describe("Whether the server's own word on what its tools change is believed. Default: true."),
    defaultTool: text().optional().describe('Tool that gets the task as its one required text.'),
    rules: z.array(toolRuleSchema.schema).optional().describe('Rules from words to calls, tried in order.'),
    autoSelect: z
      .enum(['read-only', 'off', 'all'])
      .optional()
      .describe('Which tools are called because of the words of a task alone. Default: read-only.'),
    planner: text()
      .optional()
      .describe('Name of an openai service that chooses a tool when nothing else fits.'),
    connect: z
      .enum(['on-demand', 'at-start'])
      .optional()
      .describe('When the server is started or reached. Default: on-demand.'),
    connectTimeoutSeconds: z
      .number()
      .positive()
      .optional()
      .describe('Limit of connecting, in seconds. Default: 10.'),
    pingTimeoutSeconds: z
      .number()
      .positive()
      .optional()
      .describe('A server that gives no sign of life for so long is given up, in seconds. Default: 5.'),
    maxResultBytes: resultLimit(),
  }),
);
