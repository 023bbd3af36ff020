/**
 * The tools as an agent framework in this process gets them; every adapter only puts them into its framework's shape.
 *
 * They are those of the MCP server but for the two about runs: a call waits for its own end and is cancelled by the
 * framework's signal, so there is nothing to fetch later or to stop by an id.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Log, silentLog } from '../core/environment.js';
import { misuse } from '../core/errors.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { explainArguments } from '../mcp/explain-arguments.js';
import { explainFault, refusal, type ToolAnswer } from '../mcp/tool-answer.js';
import type { BatchResult } from '../mcp/tools/batch-result.schema.js';
import type { DirectCall, ToolAnnotations } from '../mcp/tools/define-tool.js';
import { executeTool } from '../mcp/tools/execute.tool.js';
import { executeParallelTool } from '../mcp/tools/execute-parallel.tool.js';
import { executeSubtasksTool } from '../mcp/tools/execute-subtasks.tool.js';
import { explainRouteTool } from '../mcp/tools/explain-route.tool.js';
import { listServicesTool } from '../mcp/tools/list-services.tool.js';
import { LONG_WORK } from '../mcp/tools/run.schema.js';
import type { WireResult } from '../mcp/tools/task-result.schema.js';

const TOOLS = {
  execute: executeTool,
  executeParallel: executeParallelTool,
  listServices: listServicesTool,
  executeSubtasks: executeSubtasksTool,
  explainRoute: explainRouteTool,
} as const;

/** Name of a tool. */
export type AgentToolName = keyof typeof TOOLS;

/** Arguments of each tool. */
export interface AgentToolInputs {
  execute: Omit<z.input<typeof executeTool.input>, 'waitSeconds'>;
  executeParallel: Omit<z.input<typeof executeParallelTool.input>, 'waitSeconds' | 'idempotencyKey'>;
  listServices: z.input<typeof listServicesTool.input>;
  executeSubtasks: Omit<z.input<typeof executeSubtasksTool.input>, 'waitSeconds' | 'idempotencyKey'>;
  explainRoute: z.input<typeof explainRouteTool.input>;
}

/** What each tool answers: plain JSON. A task that failed is an answer too. */
export interface AgentToolResults {
  execute: WireResult;
  executeParallel: BatchResult;
  listServices: z.output<typeof listServicesTool.output>;
  executeSubtasks: BatchResult;
  explainRoute: z.output<typeof explainRouteTool.output>;
}

/** A call that came to nothing: its arguments were wrong, or something broke down. */
export interface ToolRefusal {
  readonly status: 'refused';
  /** For the model, which can mend its arguments by it. */
  readonly error: string;
}

/** Options of the tools of every framework. */
export interface AgentToolsOptions<N extends AgentToolName = AgentToolName> {
  /** Which tools the agent gets, in this order. Default: all five. */
  readonly tools?: readonly N[];
  /**
   * When given, the framework's id of a tool call, behind this prefix, is the idempotency key of a call that has none: a
   * step that the framework plays again joins the work or gets its result. Ids need be unique only within a conversation,
   * so name the conversation here. Default: no key, every call works.
   */
  readonly idempotencyPrefix?: string;
  /** Where faults of ours are reported. Default: silent. */
  readonly log?: Log;
}

/** What a framework says of one call. */
export interface AgentCall {
  /** Cancels the work. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far the work is, 0 to 1. */
  readonly onProgress?: DirectCall['onProgress'];
  /** The framework's own id of the call. */
  readonly callId?: string | undefined;
}

/** An answer in the two forms that frameworks want. */
export interface AgentAnswer<N extends AgentToolName = AgentToolName> {
  readonly value: AgentToolResults[N] | ToolRefusal;
  /** The same in short, for a model. */
  readonly text: string;
  readonly isError: boolean;
}

/** One tool, free of any framework. */
export interface AgentTool<N extends AgentToolName = AgentToolName> {
  readonly name: N;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly annotations: ToolAnnotations;
  /** Parses the arguments, does the work and waits for its end. Never rejects. */
  call(args: unknown, call?: AgentCall): Promise<AgentAnswer<N>>;
}

/** @throws TypeError for a tool that there is not, or a prefix that is no text. */
export function agentTools<N extends AgentToolName = AgentToolName>(
  orchestrator: OrchestratorPort,
  { tools = Object.keys(TOOLS) as N[], log = silentLog, idempotencyPrefix }: AgentToolsOptions<N> = {},
): AgentTool<N>[] {
  return tools.map((name) => {
    if (!Object.hasOwn(TOOLS, name)) {
      throw misuse(`There is no tool "${name}" for agents; name one of: ${Object.keys(TOOLS).join(', ')}.`);
    }
    const { title, description, annotations } = TOOLS[name];
    return {
      name,
      title,
      description: description.replace(LONG_WORK, '').replaceAll(/ {2,}/g, ' ').trim(),
      input: inputOf(name),
      annotations,
      async call(args, { signal, onProgress, callId } = {}) {
        const keyed = withCallKey(name, args, idempotencyPrefix, callId);
        const answer = await answerOf(name, keyed, { orchestrator, signal, onProgress }, log);
        const { text, isError, structuredContent } = answer;
        // A tool's answer fits its schema; without one it is a refusal.
        const value = structuredContent ?? ({ status: 'refused', error: text } satisfies ToolRefusal);
        return { value: value as AgentToolResults[N] | ToolRefusal, text, isError };
      },
    };
  });
}

async function answerOf(name: AgentToolName, args: unknown, call: DirectCall, log: Log): Promise<ToolAnswer> {
  try {
    const seen = inputOf(name).safeParse(args);
    if (!seen.success) {
      return refusal(`Arguments of ${name} are not valid:\n${explainArguments(seen.error)}`);
    }
    // The tool's own schema fills in the defaults.
    return await TOOLS[name].answerDirectly(TOOLS[name].input.parse(seen.data), call);
  } catch (cause) {
    return explainFault(cause, name, log).answer;
  }
}

const inputs = new Map<AgentToolName, z.ZodObject>();

/** The arguments without those of a run, and with nothing but optional fields where there are defaults. */
function inputOf(name: AgentToolName): z.ZodObject {
  const known = inputs.get(name);
  if (known !== undefined) return known;
  const isAboutRuns = (field: string): boolean =>
    field === 'waitSeconds' || (field === 'idempotencyKey' && name !== 'execute');
  const fields = Object.entries<z.ZodType>(TOOLS[name].input.shape)
    .filter(([field]) => !isAboutRuns(field))
    .map(([field, schema]) => [field, withoutDefault(schema)]);
  const input = z.strictObject(Object.fromEntries(fields));
  inputs.set(name, input);
  return input;
}

/** Frameworks list a field that has a default as required. */
function withoutDefault(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodDefault)) return schema;
  const optional = schema.removeDefault() as z.ZodType;
  return optional.optional().describe(schema.description ?? '');
}

/** Keys may be 256 characters long, and a number comes behind. */
function shortKey(key: string): string {
  return key.length <= 200 ? key : createHash('sha256').update(key).digest('base64url');
}

/** Arguments with a key for each task that has none. */
function withCallKey(
  name: AgentToolName,
  args: unknown,
  prefix: string | undefined,
  callId: string | undefined,
): unknown {
  if (prefix === undefined || callId === undefined || typeof args !== 'object' || args === null) return args;
  const key = shortKey(`${prefix}:${callId}`);
  if (name === 'execute') return { idempotencyKey: key, ...args };
  const list = name === 'executeParallel' ? 'tasks' : 'subtasks';
  const items: unknown = (args as Readonly<Record<string, unknown>>)[list];
  if (!Array.isArray(items)) return args;
  const keyed = items.map((item: unknown, index) => {
    const idempotencyKey = `${key}:${index}`;
    if (typeof item === 'string') return { task: item, idempotencyKey };
    return typeof item === 'object' && item !== null ? { idempotencyKey, ...item } : item;
  });
  return { ...args, [list]: keyed };
}
