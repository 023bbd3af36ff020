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
import { liveUpdates, type RunningUpdate } from './live-updates.js';

export { type EmbeddingModelLike, embeddingModelEmbed } from './embedding-model.js';
export {
  fromLanguageModel,
  type LanguageModelOptions,
  languageModelAsk,
  languageModelPlanner,
} from './language-model.js';
export type { LanguageModelLike } from './language-model-call.js';
export type {
  AgentServiceOptions,
  AgentToolInputs,
  AgentToolName,
  AgentToolResults,
  AgentToolsOptions,
  RunningUpdate,
  ToolRefusal,
};

/** A tool in the shape of the AI SDK, whose `tool()` only hands its argument back. */
export interface AiSdkTool<N extends AgentToolName> {
  readonly title: string;
  readonly description: string;
  readonly inputSchema: z.ZodType<AgentToolInputs[N], AgentToolInputs[N]>;
  /**
   * Yields preliminary results with `status: 'running'` while a service reports progress, and the answer last. A task that
   * failed is an answer; nothing is thrown.
   */
  execute(
    input: AgentToolInputs[N],
    options: { readonly toolCallId: string; readonly abortSignal?: AbortSignal | undefined },
  ): AsyncGenerator<RunningUpdate | AgentToolResults[N] | ToolRefusal, void>;
}

/**
 * The orchestrator's tools for `generateText`, `streamText` and agents of the AI SDK. An `abortSignal` there cancels the
 * tasks of every call under way.
 *
 * @throws TypeError for an unknown name in `tools`.
 * @example await generateText({ model, prompt, tools: aiSdkTools(orchestrator), stopWhen: stepCountIs(5), abortSignal })
 */
export function aiSdkTools<N extends AgentToolName = AgentToolName>(
  orchestrator: OrchestratorPort,
  options: AgentToolsOptions<N> = {},
): { readonly [K in N]: AiSdkTool<K> } {
  const tools = agentTools(orchestrator, options).map(({ name, title, description, input, call }) => {
    const tool: AiSdkTool<N> = {
      title,
      description,
      inputSchema: input as unknown as AiSdkTool<N>['inputSchema'],
      execute: (args, { toolCallId, abortSignal }) =>
        liveUpdates(
          async (signal, onProgress) => (await call(args, { signal, onProgress, callId: toolCallId })).value,
          abortSignal,
        ),
    };
    return [name, tool] as const;
  });
  return Object.fromEntries(tools) as unknown as { readonly [K in N]: AiSdkTool<K> };
}

/** What an agent of the AI SDK answers, as far as it is looked at. */
interface GeneratedText {
  readonly text: string;
  /** Of the last step. */
  readonly content?: readonly AnswerPart[];
  readonly finishReason?: unknown;
  readonly steps?: { readonly length: number };
  readonly totalUsage?: TokenUsage;
  readonly usage?: TokenUsage;
}

interface AnswerPart {
  readonly type: string;
  readonly toolCall?: { readonly toolName: string };
  /** Of a request for approval: whether it was granted without a person. */
  readonly isAutomatic?: boolean | undefined;
}

interface TokenUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
}

/** An agent of the AI SDK: `ToolLoopAgent`, or anything with its `generate()`. */
export interface AiSdkAgent<R extends GeneratedText = GeneratedText> {
  readonly id?: string | undefined;
  generate(options: {
    prompt: string;
    abortSignal: AbortSignal;
    onStepEnd: (step: { readonly toolCalls?: readonly { readonly toolName: string }[] }) => void;
  }): PromiseLike<R>;
}

/** Options of {@link fromAiSdkAgent}. */
export interface AiSdkAgentOptions<R> extends AgentServiceOptions {
  /** What of the agent's answer is the task's result. Default: `{ text, finishReason, steps, usage }`. */
  readonly toResult?: (answer: R) => unknown;
}

/**
 * An agent of the AI SDK as a service. The task, with its kwargs behind it, is the prompt; every step of the agent is
 * progress; the end of the attempt aborts the call of the model and of the tool that is under way.
 *
 * @throws TypeError for an unknown option.
 * @example createOrchestrator({ services: { research: fromAiSdkAgent(agent, { description: 'Looks things up' }) } })
 */
export function fromAiSdkAgent<R extends GeneratedText>(
  agent: AiSdkAgent<R>,
  { toResult = briefly, ...options }: AiSdkAgentOptions<R> = {},
): Service {
  const who = agent.id === undefined ? 'The agent' : `Agent "${agent.id}"`;
  return agentService(who, options, async ({ prompt, signal, step }) => {
    const answer = await agent.generate({
      prompt,
      abortSignal: signal,
      onStepEnd: ({ toolCalls = [] }) =>
        step(toolCalls.map(({ toolName }) => toolName).join(', ') || 'answered'),
    });
    // It resolves for those as for an answer, with an empty text.
    const asked = (answer.content ?? []).filter(
      ({ type, isAutomatic }) => type === 'tool-approval-request' && isAutomatic !== true,
    );
    if (asked.length > 0) {
      throw needsPerson(
        who,
        asked.map(({ toolCall }) => `approval of ${toolCall?.toolName ?? 'a tool'}`),
      );
    }
    return toResult(answer);
  });
}

function briefly({ text, finishReason = null, steps, totalUsage, usage }: GeneratedText): object {
  const { inputTokens = null, outputTokens = null } = totalUsage ?? usage ?? {};
  return { text, finishReason, steps: steps?.length ?? null, usage: { inputTokens, outputTokens } };
}
