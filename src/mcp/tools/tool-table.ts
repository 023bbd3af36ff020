import * as z from 'zod';
import { cancelRunTool } from './cancel-run.tool.js';
import type { Tool, ToolAnnotations } from './define-tool.js';
import { executeTool } from './execute.tool.js';
import { executeParallelTool } from './execute-parallel.tool.js';
import { executeSubtasksTool } from './execute-subtasks.tool.js';
import { explainRouteTool } from './explain-route.tool.js';
import { getRunTool } from './get-run.tool.js';
import { listServicesTool } from './list-services.tool.js';

/** Every tool in the order in which clients see them. Services are data: they never become tools. */
export const TOOLS: readonly Tool[] = [
  executeTool,
  executeParallelTool,
  listServicesTool,
  executeSubtasksTool,
  getRunTool,
  cancelRunTool,
  explainRouteTool,
];

/** The tool of a name, or undefined. */
export function findTool(name: string): Tool | undefined {
  return TOOLS.find((tool) => tool.name === name);
}

/** A tool as `tools/list` shows it. */
export interface ToolListing {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Record<string, unknown> & { readonly type: 'object' };
  readonly outputSchema: Record<string, unknown> & { readonly type: 'object' };
  readonly annotations: ToolAnnotations;
}

let listings: readonly ToolListing[] | undefined;

/** What `tools/list` answers; made when the first client asks, and once, because a server is built for every connection. */
export function toolListings(): readonly ToolListing[] {
  listings ??= TOOLS.map(({ name, title, description, input, output, annotations }) => ({
    name,
    title,
    description,
    // As input, else every field with a default would be listed as required.
    inputSchema: portableSchema(input.schema, 'input'),
    outputSchema: portableSchema(output.schema, 'output'),
    annotations,
  }));
  return listings;
}

/** A schema as JSON Schema that clients and model providers of every kind take. */
export function portableSchema(schema: z.ZodType, io: 'input' | 'output'): ToolListing['inputSchema'] {
  return { ...(toPortable(z.toJSONSchema(schema, { io })) as object), type: 'object' };
}

/** Respells what some clients and model providers refuse: a list of types, and `{}` for "anything". */
function toPortable(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toPortable);
  if (typeof node !== 'object' || node === null) return node;
  // Keys of an object are always texts.
  const { propertyNames: _, type, additionalProperties, ...rest } = node as Record<string, unknown>;
  const portable = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, toPortable(value)]));
  if (Array.isArray(type)) portable.anyOf = type.map((each) => ({ type: each }));
  else if (type !== undefined) portable.type = toPortable(type);
  if (additionalProperties !== undefined) {
    portable.additionalProperties = isEmptyObject(additionalProperties) || toPortable(additionalProperties);
  }
  return portable;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
