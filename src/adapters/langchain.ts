import type * as z from 'zod';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import type { Service, ServiceContext } from '../core/service.js';
import { type AgentAttempt, type AgentServiceOptions, agentService, needsPerson } from './agent-service.js';
import {
  type AgentAnswer,
  type AgentToolInputs,
  type AgentToolName,
  type AgentToolResults,
  type AgentToolsOptions,
  agentTools,
  type ToolRefusal,
} from './agent-tools.js';

export type {
  AgentServiceOptions,
  AgentToolInputs,
  AgentToolName,
  AgentToolResults,
  AgentToolsOptions,
  ToolRefusal,
};

/** What LangChain hands to a tool, as far as it is looked at. */
interface ToolConfig {
  readonly signal?: AbortSignal;
  readonly writer?: ((chunk: unknown) => void) | null;
  readonly toolCall?: { readonly id?: string };
  readonly toolCallId?: string;
}

/** What makes a tool: `tool()` of `@langchain/core/tools`, from the application's own copy of LangChain. */
export type MakeLangChainTool<T> = (
  run: (args: unknown, config: unknown) => Promise<[string, AgentAnswer['value']]>,
  fields: {
    name: AgentToolName;
    description: string;
    schema: z.ZodObject;
    responseFormat: 'content_and_artifact';
  },
) => T;

/** Options of {@link langchainTools}. */
export interface LangChainToolsOptions<T> extends AgentToolsOptions {
  /** `tool` of `@langchain/core/tools` or of `langchain`. */
  readonly tool: MakeLangChainTool<T>;
}

/**
 * The orchestrator's tools for LangChain and LangGraph. The content of a tool message is a short text, its artifact the
 * whole answer. The run's signal cancels the tasks; progress goes to the stream mode `custom`.
 *
 * @throws TypeError for an unknown name in `tools`.
 * @example createAgent({ model, tools: langchainTools(orchestrator, { tool }) })
 */
export function langchainTools<T>(
  orchestrator: OrchestratorPort,
  { tool, ...options }: LangChainToolsOptions<T>,
): T[] {
  return agentTools(orchestrator, options).map(({ name, description, input, call }) =>
    tool(
      async (args, config) => {
        const { signal, writer, toolCall, toolCallId } = (config ?? {}) as ToolConfig;
        const answer = await call(args, {
          signal,
          callId: toolCall?.id ?? toolCallId,
          onProgress: writer ? (progress, message) => writer({ tool: name, progress, message }) : undefined,
        });
        return [answer.text, answer.value];
      },
      { name, description, schema: input, responseFormat: 'content_and_artifact' },
    ),
  );
}

/** A compiled graph of LangGraph, or an agent of `createAgent()`. */
export interface LangGraphLike {
  readonly name?: string | undefined;
  stream(input: never, options: never): Promise<AsyncIterable<unknown>>;
}

/** Options of {@link fromLangGraph}. */
export interface LangGraphOptions extends AgentServiceOptions {
  /** The graph's input. Default: the task, with its kwargs behind it, as one message of the user. */
  readonly toInput?: (task: string, context: ServiceContext) => unknown;
  /** What of the last state is the task's result. Default: `{ text }` of the last message, else the whole state. */
  readonly toResult?: (state: unknown) => unknown;
  /**
   * Further options of a run, such as `recursionLimit` or `configurable`. Default: a thread of its own for each attempt,
   * which a graph with a checkpointer needs.
   */
  readonly toConfig?: (
    task: string,
    context: ServiceContext,
  ) => Readonly<Record<string, unknown>> & { readonly configurable?: Readonly<Record<string, unknown>> };
}

/**
 * A graph of LangGraph as a service. Each node that ends is progress; the end of the attempt aborts the run. A graph that
 * stops at an interrupt is `NEEDS_INPUT`.
 *
 * @throws TypeError for an unknown option.
 * @example createOrchestrator({ services: { research: fromLangGraph(graph, { description: 'Looks things up' }) } })
 */
export function fromLangGraph(
  graph: LangGraphLike,
  { toInput, toResult = lastText, toConfig, ...options }: LangGraphOptions = {},
): Service {
  const who = graph.name === undefined ? 'The graph' : `Graph "${graph.name}"`;
  return agentService(who, options, async (attempt) => {
    const { task, context, signal } = attempt;
    const { taskId } = context;
    const input = toInput?.(task, context) ?? { messages: [{ role: 'user', content: attempt.prompt }] };
    const { configurable, ...own } = toConfig?.(task, context) ?? {};
    const thread_id = context.attempt === 1 ? taskId : `${taskId}#${context.attempt}`;
    const config = {
      ...own,
      configurable: { thread_id, ...configurable },
      signal,
      // What follow() reads.
      streamMode: ['updates', 'values'],
      subgraphs: false,
    };
    const run = graph.stream as (input: unknown, options: unknown) => Promise<AsyncIterable<unknown>>;
    return toResult(await follow(who, await run.call(graph, input, config), attempt));
  });
}

/** Reads a run to its end and answers its last state. */
async function follow(who: string, chunks: AsyncIterable<unknown>, { step }: AgentAttempt): Promise<unknown> {
  let state: unknown;
  for await (const chunk of chunks) {
    const [mode, value] = Array.isArray(chunk) ? (chunk as unknown[]) : [];
    if (mode === 'values') state = value;
    if (typeof value !== 'object' || value === null) continue;
    if ('__interrupt__' in value) throw needsPerson(who, interruptsOf(value.__interrupt__));
    if (mode === 'updates') step(Object.keys(value).join(', '));
  }
  return state;
}

function interruptsOf(interrupts: unknown): string[] {
  return (Array.isArray(interrupts) ? interrupts : [interrupts]).map((each: unknown) => {
    const value = typeof each === 'object' && each !== null && 'value' in each ? each.value : each;
    return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 1000);
  });
}

function lastText(state: unknown): unknown {
  const messages = typeof state === 'object' && state !== null && 'messages' in state ? state.messages : null;
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  if (typeof last !== 'object' || last === null || !('content' in last)) return state;
  // Of content in parts the getter `text` is the text.
  const text = typeof last.content === 'string' ? last.content : 'text' in last ? last.text : undefined;
  return typeof text === 'string' ? { text } : { text: JSON.stringify(last.content) };
}
