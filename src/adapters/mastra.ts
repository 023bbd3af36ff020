import type * as z from 'zod';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import type { Service } from '../core/service.js';
import { type AgentServiceOptions, agentService, needsPerson } from './agent-service.js';
import {
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

/** What Mastra hands to a tool, as far as it is looked at. */
interface ToolContext {
  readonly abortSignal?: AbortSignal;
  readonly writer?: { custom(data: { type: `data-${string}`; data: object }): Promise<void> };
  readonly agent?: { readonly toolCallId?: string };
}

/** `createTool()` of `@mastra/core/tools`. */
export type CreateMastraTool<T> = (definition: {
  id: AgentToolName;
  description: string;
  inputSchema: z.ZodObject;
  execute: (args: unknown, context: unknown) => Promise<unknown>;
}) => T;

/** Options of {@link mastraTools}. */
export interface MastraToolsOptions<T, N extends AgentToolName = AgentToolName> extends AgentToolsOptions<N> {
  /** `createTool` of `@mastra/core/tools`, from the application's own copy of Mastra. */
  readonly createTool: CreateMastraTool<T>;
}

/**
 * The orchestrator's tools for agents, workflows and MCP servers of Mastra. The `abortSignal` of a call of the agent
 * cancels the tasks; progress goes into its stream as `data-gaffr-progress`, transient.
 *
 * @throws TypeError for an unknown name in `tools`.
 * @example new Agent({ id, name, instructions, model, tools: mastraTools(orchestrator, { createTool }) })
 */
export function mastraTools<T, N extends AgentToolName = AgentToolName>(
  orchestrator: OrchestratorPort,
  { createTool, ...options }: MastraToolsOptions<T, N>,
): { readonly [K in N]: T } {
  const tools = agentTools(orchestrator, options).map(({ name, description, input, call }) => {
    const execute = async (args: unknown, context: unknown): Promise<unknown> => {
      const { abortSignal, writer, agent } = (context ?? {}) as ToolContext;
      const tell = (progress: number, message: string | undefined): void => {
        const data = { tool: name, progress, ...(message !== undefined && { message }) };
        // A stream that nobody reads any more takes nothing; the result is told all the same.
        writer?.custom({ type: 'data-gaffr-progress', data }).catch(() => {});
      };
      const answer = await call(args, { signal: abortSignal, callId: agent?.toolCallId, onProgress: tell });
      return answer.value;
    };
    return [name, createTool({ id: name, description, inputSchema: input, execute })] as const;
  });
  return Object.fromEntries(tools) as { readonly [K in N]: T };
}

/** What an agent of Mastra answers, as far as it is looked at. */
interface MastraAnswer {
  readonly text: string;
  readonly finishReason?: string | undefined;
  readonly error?: Error | undefined;
  readonly tripwire?: { readonly reason?: string } | undefined;
  readonly totalUsage?: MastraUsage;
  readonly steps?: { readonly length: number };
}

interface MastraUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
}

/** An `Agent` of Mastra. */
export interface MastraAgentLike {
  readonly name: string;
  getDescription?(): string;
  generate(messages: string, options: never): Promise<unknown>;
}

/** Options of {@link fromMastraAgent}. */
export interface MastraAgentOptions extends AgentServiceOptions {
  /** Most steps of the agent. Default: Mastra's. */
  readonly maxSteps?: number;
}

/**
 * An agent of Mastra as a service, which answers `{ text, finishReason, steps, usage }`. Each step is progress; the end of
 * the attempt aborts the call of the model and of the tool that is under way. An agent that is suspended is `NEEDS_INPUT`.
 *
 * @throws TypeError for an unknown option.
 * @example createOrchestrator({ services: { research: fromMastraAgent(agent) } })
 */
export function fromMastraAgent(
  agent: MastraAgentLike,
  { maxSteps, ...options }: MastraAgentOptions = {},
): Service {
  const description = agent.getDescription?.();
  const said = description ? { description, ...options } : options;
  const who = `Agent "${agent.name}"`;
  return agentService(who, said, async ({ prompt, signal, step }) => {
    const generate = agent.generate as (messages: string, options: object) => Promise<unknown>;
    const answer = (await generate.call(agent, prompt, {
      abortSignal: signal,
      onStepFinish: ({ toolCalls = [] }: StepEnd) => step(toolCalls.map(nameOf).join(', ') || 'answered'),
      ...(maxSteps !== undefined && { maxSteps }),
    })) as MastraAnswer;
    const { text, finishReason = null, error, tripwire, steps, totalUsage } = answer;
    // It resolves for failures too.
    if (error !== undefined && error !== null) throw error;
    if (finishReason === 'suspended') throw needsPerson(who, ['a suspended tool']);
    if (tripwire) throw new Error(`a guard of the agent stopped it: ${tripwire.reason ?? 'no reason given'}`);
    const { inputTokens = null, outputTokens = null } = totalUsage ?? {};
    return { text, finishReason, steps: steps?.length ?? null, usage: { inputTokens, outputTokens } };
  });
}

interface StepEnd {
  readonly toolCalls?: readonly {
    readonly payload?: { readonly toolName?: string };
    readonly toolName?: string;
  }[];
}

function nameOf({ payload, toolName }: NonNullable<StepEnd['toolCalls']>[number]): string {
  return payload?.toolName ?? toolName ?? 'a tool';
}
